using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A peer that does not read makes the sender wait, and costs a bounded amount of memory.</summary>
[TestFixture]
public sealed class SlowReaderTests
{
    [Test]
    public async Task A_flush_waits_above_the_high_watermark_and_goes_on_at_the_low_one()
    {
        var kernel = new ScriptedKernel();
        var faucet = new Faucet(kernel);
        await using var wire = await Wire.Dial(kernel, new ConnectOptions { SendHighWatermark = 1_000, SendLowWatermark = 200 });
        faucet.Close();

        await wire.Connection.Output.WriteAsync(new byte[999]).Within();
        var flushing = wire.Connection.Output.WriteAsync(new byte[501]).AsTask();
        await wire.Settled();
        Assert.That(flushing.IsCompleted, Is.False, "1,500 are left.");

        faucet.Give(wire.Loop, room: 1_299);
        await Until.True(() => wire.Loop.Counters.BytesSent == 1_299);
        await wire.Settled();
        Assert.That(flushing.IsCompleted, Is.False, "201 are left.");

        faucet.Give(wire.Loop, room: 1);
        await flushing.Within();
        Assert.That(wire.Loop.Counters.BytesSent, Is.EqualTo(1_300));

        faucet.Give(wire.Loop, int.MaxValue);
        Assert.That(wire.Peer.ReadExactly(1_500), Has.Length.EqualTo(1_500));
    }

    [Test]
    public async Task Below_the_high_watermark_a_flush_does_not_wait()
    {
        var kernel = new ScriptedKernel();
        var faucet = new Faucet(kernel);
        await using var wire = await Wire.Dial(kernel, new ConnectOptions { SendHighWatermark = 1_000, SendLowWatermark = 0 });
        faucet.Close();

        for (var i = 0; i < 9; i++)
            await wire.Connection.Output.WriteAsync(new byte[111]).Within();
        Assert.That(wire.Loop.Counters.BytesSent, Is.Zero);

        faucet.Give(wire.Loop, int.MaxValue);
        Assert.That(wire.Peer.ReadExactly(999), Has.Length.EqualTo(999));
    }

    [Test]
    public async Task A_low_watermark_of_zero_waits_until_all_is_sent()
    {
        var kernel = new ScriptedKernel();
        var faucet = new Faucet(kernel);
        await using var wire = await Wire.Dial(kernel, new ConnectOptions { SendHighWatermark = 1, SendLowWatermark = 0 });
        faucet.Close();
        var flushing = wire.Connection.Output.WriteAsync(new byte[100]).AsTask();

        faucet.Give(wire.Loop, 99);
        await Until.True(() => wire.Loop.Counters.BytesSent == 99);
        await wire.Settled();
        Assert.That(flushing.IsCompleted, Is.False);

        faucet.Give(wire.Loop, int.MaxValue);
        await flushing.Within();
        Assert.That(wire.Loop.Counters.BytesSent, Is.EqualTo(100));
    }

    [Test]
    public async Task A_peer_that_stalls_pauses_the_sender_and_costs_bounded_memory()
    {
        await using var wire = await Wire.Dial();
        var block = new byte[64 * 1024];
        var written = 0L;
        var sending = wire.Loop.InvokeAsync(async () =>
        {
            for (var i = 0; i < 1_000; i++)
            {
                await wire.Connection.Output.WriteAsync(block);
                Interlocked.Add(ref written, block.Length);
            }
        });

        // The kernel's buffers fill, then the writer waits: nothing moves any more.
        long before;
        do
        {
            before = Interlocked.Read(ref written);
            await wire.Loop.After(TimeSpan.FromMilliseconds(100));
        }
        while (before != Interlocked.Read(ref written));

        Assert.That(sending.IsCompleted, Is.False);
        Assert.That(wire.Loop.Counters.RentedBuffers, Is.LessThanOrEqualTo(4));
        var turns = wire.Loop.Counters.Turns;
        await wire.Loop.After(TimeSpan.FromMilliseconds(100));
        Assert.That(wire.Loop.Counters.Turns - turns, Is.LessThan(20), "Waiting costs no turns.");

        Assert.That(await Task.Run(() => wire.Peer.ReadExactly(1_000 * block.Length)).Within(), Has.Length.EqualTo(1_000 * block.Length));
        await sending.Within();
        Assert.That(wire.Loop.Counters.RentedBuffers, Is.Zero);
    }

    [Test]
    public async Task A_handler_that_does_not_read_leaves_the_bytes_in_the_kernel()
    {
        await using var loop = TestLoop.Start();
        var release = new TaskCompletionSource();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async _ => await release.Task).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        peer.Socket.Blocking = false;
        var block = new byte[65536];
        var pushed = 0L;
        while (true)
        {
            try
            {
                pushed += peer.Socket.Send(block);
            }
            catch (System.Net.Sockets.SocketException full) when (full.SocketErrorCode == System.Net.Sockets.SocketError.WouldBlock)
            {
                if (!peer.Socket.Poll(TimeSpan.FromMilliseconds(300), System.Net.Sockets.SelectMode.SelectWrite))
                    break;
            }
        }

        Assert.That(pushed, Is.GreaterThan(0));
        Assert.That(loop.Counters.BytesReceived, Is.Zero);
        Assert.That(loop.Counters.RentedBuffers, Is.Zero);
        release.SetResult();
    }

    [TestCase(0)]
    [TestCase(-1)]
    public void A_high_watermark_below_one_is_refused(int value) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ListenOptions { SendHighWatermark = value });

    [Test]
    public void A_negative_low_watermark_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ListenOptions { SendLowWatermark = -1 });
}
