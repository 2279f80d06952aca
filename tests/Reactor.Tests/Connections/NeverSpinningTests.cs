using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What nobody reads or writes costs no turns: a loop that spins would take thousands in the time that these watch it.</summary>
[TestFixture]
public sealed class NeverSpinningTests
{
    private static readonly TimeSpan Watch = TimeSpan.FromMilliseconds(200);

    // A timer of the watching itself is a turn or two; edge-triggered news a few more.
    private const int Handful = 20;

    [Test]
    public Task An_idle_loop_takes_no_turns() => Expect(static (_, _) => { });

    [Test]
    public Task Bytes_that_nobody_reads() => Expect(static (peer, _) => peer.Send(new byte[1_000]));

    [Test]
    public Task A_peer_that_closed_while_we_neither_read_nor_write() => Expect(static (peer, _) => peer.Dispose());

    [Test]
    public Task A_half_close_that_nobody_reads() => Expect(static (peer, _) => peer.HalfClose());

    [Test]
    public Task Bytes_and_a_half_close_that_nobody_reads() => Expect(static (peer, _) =>
    {
        peer.Send(new byte[100]);
        peer.HalfClose();
    });

    [Test]
    public Task Both_directions_over_and_nobody_reads() => Expect(static (peer, connection) =>
    {
        connection.ShutdownSend();
        peer.HalfClose();
    });

    [Test]
    public Task A_reset_that_nobody_reads() => Expect(static (peer, _) => peer.Reset());

    [Test]
    public Task Bytes_and_a_reset_that_nobody_reads() => Expect(static (peer, _) =>
    {
        peer.Send(new byte[100]);
        peer.Reset();
    });

    [Test]
    public Task Urgent_data_that_nobody_reads() => Expect(static (peer, _) => peer.Socket.Send([1], SocketFlags.OutOfBand));

    [Test]
    public async Task A_Unix_peer_that_closed()
    {
        using var directory = new ScratchDirectory();
        await using var wire = await Wire.Dial(at: new UnixDomainSocketEndPoint(directory.File("s")));
        wire.Peer.Send("unread");
        wire.Peer.Dispose();
        await ExpectQuiet(wire.Loop);
    }

    [Test]
    public async Task A_buffer_that_a_handler_keeps_without_advancing()
    {
        await using var wire = await Wire.Dial();
        wire.Peer.Send("kept");
        var read = await wire.Connection.Input.ReadAsync().Within();
        wire.Peer.Send("more");
        wire.Peer.HalfClose();

        await ExpectQuiet(wire.Loop);

        wire.Connection.Input.AdvanceTo(read.Buffer.End);
    }

    [Test]
    public async Task A_connect_that_hangs()
    {
        await using var loop = TestLoop.Start();
        using var hanging = Loopback.Hanging();
        using var source = new CancellationTokenSource();
        var connecting = loop.TryConnectAsync(hanging.EndPoint, source.Token).AsTask();

        await ExpectQuiet(loop);

        await source.CancelAsync();
        await connecting.Within();
    }

    [Test]
    public async Task A_listener_at_its_MaxConnections_with_more_waiting()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, new ListenOptions { MaxConnections = 1 }).Within();
        using var served = RawPeer.Dial(listener.LocalEndPoint);
        using var waiting = RawPeer.Dial(listener.LocalEndPoint);

        await ExpectQuiet(loop);
    }

    [Test]
    public async Task A_timer_far_away_and_one_that_is_near_cost_a_handful_of_turns()
    {
        await using var loop = TestLoop.Start();
        using var far = loop.StartTimer(TimeSpan.FromDays(10), static () => { });
        using var near = loop.StartTimer(TimeSpan.FromMilliseconds(100), static () => { });

        await ExpectQuiet(loop);
    }

    private static async Task Expect(Action<RawPeer, Connection> happens)
    {
        await using var wire = await Wire.Dial();
        happens(wire.Peer, wire.Connection);
        await ExpectQuiet(wire.Loop);
    }

    private static async Task ExpectQuiet(EventLoop loop)
    {
        // What happened has arrived by then: it is loopback.
        await loop.After(TimeSpan.FromMilliseconds(20));
        var before = loop.Counters.Turns;
        await loop.After(Watch);
        Assert.That(loop.Counters.Turns - before, Is.LessThan(Handful));
    }
}
