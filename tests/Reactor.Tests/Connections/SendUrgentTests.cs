using System.Net.Sockets;
using System.Text;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Urgent bytes that we send, among ordinary ones.</summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class SendUrgentTests(bool onLoop)
{
    private const int Ordinary = 600_000;

    private static readonly ConnectOptions Patient = new() { SendHighWatermark = 16 * 1024 * 1024, SendBufferSize = 32 * 1024 };

    [Test]
    public async Task It_comes_while_a_megabyte_that_was_sent_before_it_is_unread()
    {
        await using var wire = await Wire.Dial(peerReceiveBuffer: 4 * 1024 * 1024);
        var ordinary = new byte[await UrgentBytes.MostUnread()];
        new Random(2).NextBytes(ordinary);

        await wire.Run(onLoop, async () =>
        {
            await wire.Connection.Output.WriteAsync(ordinary).Within();
            await wire.Connection.SendUrgentAsync((byte)'!').Within();
        });

        Assert.That(await wire.Peer.ReceiveUrgent(), Is.EqualTo('!'));
        Assert.That(wire.Peer.ReadExactly(ordinary.Length).AsSpan().SequenceEqual(ordinary), Is.True);
        Assert.That(wire.Peer.IsAtMark(), Is.True);
    }

    [Test]
    public async Task It_overtakes_bytes_that_were_written_and_not_flushed_and_what_is_written_next_goes_behind()
    {
        await using var wire = await Wire.Dial();
        wire.Peer.Socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.OutOfBandInline, optionValue: true);

        await wire.Run(onLoop, async () =>
        {
            for (var i = 0; i < 50; i++)
            {
                Encoding.Latin1.GetBytes("before").CopyTo(wire.Connection.Output.GetMemory(6));
                wire.Connection.Output.Advance(6);
                await wire.Connection.SendUrgentAsync((byte)'!').Within();
                await wire.Connection.Output.WriteAsync("after"u8.ToArray()).Within();
            }
        });

        for (var i = 0; i < 50; i++)
            Assert.That(wire.Peer.ReadText(12), Is.EqualTo("!beforeafter"));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Behind_a_queue_that_the_peer_does_not_take_it_keeps_its_place(bool inline)
    {
        await using var wire = await Wire.Dial(options: Patient, peerReceiveBuffer: 8 * 1024);
        wire.Peer.Socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.OutOfBandInline, inline);
        var ordinary = new byte[Ordinary];
        new Random(3).NextBytes(ordinary);

        await wire.Run(onLoop, async () =>
        {
            await wire.Connection.Output.WriteAsync(ordinary).Within();
            await wire.Connection.SendUrgentAsync((byte)'!').Within();
            await wire.Connection.Output.WriteAsync("after"u8.ToArray()).Within();
            wire.Connection.ShutdownSend();
        });
        Assert.That(wire.Loop.Counters.RentedBuffers, Is.GreaterThan(0), "The test's own premise: it is queued on our side.");

        var (bytes, mark) = await Task.Run(() => wire.Peer.ReadSlowlyToEnd(piece: 5_000)).Within();
        Assert.That(bytes.AsSpan(0, ordinary.Length).SequenceEqual(ordinary), Is.True);
        Assert.That(Encoding.Latin1.GetString(bytes.AsSpan(ordinary.Length)), Is.EqualTo(inline ? "!after" : "after"));
        Assert.That(mark, Is.EqualTo(ordinary.Length));
    }

    [Test]
    public async Task Several_behind_a_queue_stay_in_order_with_what_is_written_between()
    {
        await using var wire = await Wire.Dial(options: Patient, peerReceiveBuffer: 8 * 1024);
        wire.Peer.Socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.OutOfBandInline, optionValue: true);
        var expected = new MemoryStream();
        var random = new Random(4);

        await wire.Run(onLoop, async () =>
        {
            for (var i = 0; i < 60; i++)
            {
                var block = new byte[random.Next(1, Ordinary / 10)];
                random.NextBytes(block);
                expected.Write(block);
                await wire.Connection.Output.WriteAsync(block).Within();
                expected.WriteByte((byte)i);
                await wire.Connection.SendUrgentAsync((byte)i).Within();
            }

            wire.Connection.ShutdownSend();
        });

        var (bytes, _) = await Task.Run(() => wire.Peer.ReadSlowlyToEnd(piece: 20_000)).Within();
        Assert.That(bytes.AsSpan().SequenceEqual(expected.ToArray()), Is.True);
    }

    [Test]
    public async Task While_a_flush_waits_it_goes_behind_it_and_disturbs_nobody()
    {
        var kernel = new ScriptedKernel();
        var faucet = new Faucet(kernel);
        await using var wire = await Wire.Dial(kernel);
        wire.Peer.Socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.OutOfBandInline, optionValue: true);
        faucet.Close();

        await wire.Run(onLoop, async () =>
        {
            var flushing = wire.Connection.Output.WriteAsync(new byte[100_000]).AsTask();
            await wire.Settled();
            Assert.That(flushing.IsCompleted, Is.False);

            await wire.Connection.SendUrgentAsync((byte)'!').Within();
            Assert.That(flushing.IsCompleted, Is.False);

            faucet.Give(wire.Loop, int.MaxValue);
            await flushing.Within();
        });
        Assert.That(wire.Peer.ReadExactly(100_000), Has.Length.EqualTo(100_000));
        Assert.That(wire.Peer.ReadText(1), Is.EqualTo("!"));
        Assert.That(kernel.Count(KernelCall.SendUrgent), Is.EqualTo(1));
    }

    [Test]
    public async Task Many_to_a_peer_that_takes_nothing_cost_a_byte_each()
    {
        var kernel = new ScriptedKernel();
        var faucet = new Faucet(kernel);
        await using var wire = await Wire.Dial(kernel);
        wire.Peer.Socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.OutOfBandInline, optionValue: true);
        faucet.Close();
        await wire.Connection.Output.WriteAsync("first"u8.ToArray()).Within();

        await wire.Loop.InvokeAsync(async () =>
        {
            for (var i = 0; i < 10_000; i++)
                await wire.Connection.SendUrgentAsync((byte)'!');
        }).Within();
        Assert.That(wire.Loop.Counters.RentedBuffers, Is.LessThanOrEqualTo(11));

        await wire.Connection.Output.WriteAsync("last"u8.ToArray()).Within();
        faucet.Give(wire.Loop, int.MaxValue);
        Assert.That(await Task.Run(() => wire.Peer.ReadText(10_009)).Within(), Is.EqualTo($"first{new string('!', 10_000)}last"));
    }

    [Test]
    public async Task Beside_a_handler_that_writes_it_breaks_nothing()
    {
        await using var loop = TestLoop.Start();
        var accepted = new TaskCompletionSource<Connection>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, connection =>
        {
            accepted.SetResult(connection);
            return Handlers.Echo(connection);
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        peer.Socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.OutOfBandInline, optionValue: true);
        var connection = await accepted.Task.Within();
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < 200; i++)
                await connection.SendUrgentAsync((byte)'!').Within();
        });

        var ordinary = 0;
        for (var i = 0; i < 200; i++)
        {
            peer.Send("x");
            while (true)
            {
                if (peer.ReadText(1) is "x")
                    break;
            }

            ordinary++;
        }

        await sending.Within();
        Assert.That(ordinary, Is.EqualTo(200));
        Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.None));
    }

    [Test]
    public async Task It_does_not_wait_for_a_peer_that_takes_nothing_and_counts_as_unsent()
    {
        var kernel = new ScriptedKernel();
        var faucet = new Faucet(kernel);
        await using var wire = await Wire.Dial(kernel, new ConnectOptions { MaxUnsentBytes = 10 });
        faucet.Close();

        await wire.Run(onLoop, async () =>
        {
            await wire.Connection.Output.WriteAsync("12345678"u8.ToArray()).Within();
            await wire.Connection.SendUrgentAsync((byte)'9').Within();
            await wire.Connection.SendUrgentAsync((byte)'0').Within();
            Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.None));
            await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await wire.Connection.SendUrgentAsync((byte)'!').Within());
            Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.SendLimit));
            await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await wire.Connection.SendUrgentAsync((byte)'!').Within());
        });
    }

    [Test]
    public async Task After_ShutdownSend_it_is_refused()
    {
        await using var wire = await Wire.Dial();
        wire.Connection.ShutdownSend();

        await wire.Run(onLoop, async () =>
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await wire.Connection.SendUrgentAsync((byte)'!').Within()));
    }

    [Test]
    public async Task A_Unix_connection_has_no_urgent_data()
    {
        using var directory = new ScratchDirectory();
        await using var wire = await Wire.Dial(at: new UnixDomainSocketEndPoint(directory.File("s")));

        await wire.Run(onLoop, async () =>
        {
            await Assert.ThrowsAsync<NotSupportedException>(async () => await wire.Connection.SendUrgentAsync((byte)'!').Within());
            await Assert.ThrowsAsync<NotSupportedException>(async () => await wire.Connection.ReceiveUrgentAsync().Within());
            await Assert.ThrowsAsync<NotSupportedException>(async () => await wire.Connection.IsAtMarkAsync().Within());
            await Assert.ThrowsAsync<NotSupportedException>(async () => await wire.Connection.DiscardToMarkAsync().Within());
            await wire.Connection.Output.WriteAsync("still"u8.ToArray()).Within();
        });

        Assert.That(wire.Peer.ReadText(5), Is.EqualTo("still"));
    }

    [Test]
    public async Task Two_loops_play_ball_with_urgent_bytes_over_a_stream_in_both_directions()
    {
        KqueueLibrary.RequireUrgentNews();
        const int throws = 100;
        await using var server = TestLoop.Start();
        await using var listener = await server.ListenAsync(Loopback.AnyPort, async connection =>
        {
            var echo = Handlers.Echo(connection);
            while (await connection.ReceiveUrgentAsync() is { } ball)
                await connection.SendUrgentAsync((byte)(ball + 1));
            await echo;
        }).Within();
        await using var client = TestLoop.Start();
        await using var connection = await client.ConnectAsync(listener.LocalEndPoint).Within();

        await (onLoop ? client.InvokeAsync(Play) : Play()).Within();

        async Task Play()
        {
            for (var i = 0; i < throws; i++)
            {
                await connection.Output.WriteAsync("hello"u8.ToArray()).Within();
                var read = await connection.Input.ReadAtLeastAsync(5).Within();
                connection.Input.AdvanceTo(read.Buffer.GetPosition(5));

                await connection.SendUrgentAsync((byte)i).Within();
                Assert.That(await connection.ReceiveUrgentAsync().Within(), Is.EqualTo((byte)(i + 1)));
            }
        }
    }
}
