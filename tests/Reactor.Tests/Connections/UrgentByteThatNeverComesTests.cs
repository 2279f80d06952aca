using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>An urgent byte that is announced and does not come: its segment was lost, or somebody sent one packet to annoy us.</summary>
[TestFixture]
public sealed class UrgentByteThatNeverComesTests
{
    [Test]
    public async Task The_loop_does_not_spin_and_the_ordinary_bytes_are_read()
    {
        var kernel = new ScriptedKernel { OnReceiveUrgent = static (_, _) => -(int)Errno.EAGAIN };
        await using var wire = await Wire.Dial(kernel);
        var reading = wire.ReadText(10);
        await wire.Settled();
        var waiting = wire.Connection.ReceiveUrgentAsync().AsTask();
        await wire.Settled();
        wire.Peer.Send("first");
        await wire.Settled();
        var turns = wire.Loop.Counters.Turns;

        await wire.Loop.After(TimeSpan.FromMilliseconds(200));

        Assert.That(wire.Loop.Counters.Turns - turns, Is.LessThan(20));
        wire.Peer.Send("other");
        Assert.That(await reading, Is.EqualTo("firstother"));
        Assert.That(waiting.IsCompleted, Is.False);
        wire.Connection.Abort();
        await Assert.ThrowsAsync<ConnectionAbortedException>(() => waiting.Within());
    }

    [Test]
    public async Task An_urgent_byte_that_comes_counts_as_received()
    {
        KqueueLibrary.RequireUrgentNews();
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        var heard = new TaskCompletionSource<byte?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var options = new ListenOptions { FirstByteTimeout = TimeSpan.FromSeconds(10), IdleTimeout = TimeSpan.FromSeconds(30) };
        await using var listener = await loop.ListenAsync(
            Loopback.AnyPort,
            async connection =>
            {
                heard.SetResult(await connection.ReceiveUrgentAsync());
                await connection.Input.ReadAsync();
            },
            options).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        kernel.Jump(TimeSpan.FromSeconds(5));
        peer.SendUrgent('!');
        Assert.That(await heard.Task.Within(), Is.EqualTo((byte)'!'));
        Assert.That(loop.Counters.BytesReceived, Is.EqualTo(1));

        kernel.Jump(TimeSpan.FromSeconds(27));
        await loop.Settled();

        Assert.That((loop.Counters.FirstByteTimeouts, loop.Counters.IdleTimeouts, loop.Counters.Connections), Is.EqualTo((0, 0, 1)));
    }
}
