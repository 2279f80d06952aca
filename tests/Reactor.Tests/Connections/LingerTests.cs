using System.Net.Sockets;
using System.Text;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Closing while the peer is still sending, with <see cref="ConnectionOptions.Linger"/> and without.</summary>
[TestFixture]
public sealed class LingerTests
{
    // More than the peer's window: when the peer is reset, the rest has not left our system.
    private const int ReplyBytes = 200_000;

    private static readonly TimeSpan Long = TimeSpan.FromMinutes(10);

    [Test]
    public async Task Of_zero_a_close_is_a_reset()
    {
        await using var wire = await Wire.Dial(options: new ConnectOptions { Linger = TimeSpan.Zero });

        await wire.Connection.CloseAsync().Within();

        Assert.That(wire.Peer.EndsInOrder(), Is.False);
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.ClosedLocally));
    }

    [Test]
    public async Task Of_zero_an_accepted_connection_is_reset_too_when_its_handler_ends()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, static _ => Task.CompletedTask, new ListenOptions { Linger = TimeSpan.Zero }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        Assert.That(peer.EndsInOrder(), Is.False);
    }

    [TestCase("idle")]
    [TestCase("first byte")]
    public async Task Other_times_do_not_cut_it_short(string which)
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        var options = new ListenOptions { Linger = Long };
        var time = TimeSpan.FromSeconds(1);
        options = which is "idle" ? options with { IdleTimeout = time } : options with { FirstByteTimeout = time };
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, static async connection => await connection.Output.WriteAsync("reply"u8.ToArray()), options).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        Assert.That(peer.ReadText(5), Is.EqualTo("reply"));
        Assert.That(peer.Read(new byte[1]), Is.Zero);

        kernel.Jump(TimeSpan.FromMinutes(1));
        await loop.Settled();

        Assert.That(loop.Counters.Connections, Is.EqualTo(1));
        peer.Dispose();
        await Until.True(() => loop.Counters.Connections == 0);
        Assert.That((loop.Counters.IdleTimeouts, loop.Counters.FirstByteTimeouts), Is.EqualTo((0, 0)));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_peer_that_goes_on_sending_reads_all_that_we_sent_only_if_we_linger(bool lingers)
    {
        var (server, listener, peer) = await Reply(lingers ? Long : null);
        await using var ofServer = server;
        await using var ofListener = listener;
        using var ofPeer = peer;

        // It sends before it reads, and what it sends meets either our lingering close or no socket at all.
        peer.Send("question");
        await Until.True(() => server.Counters.BytesSent == ReplyBytes);
        if (!lingers)
            await Until.True(() => server.Counters.Connections == 0);
        var got = 0;
        try
        {
            for (var i = 0; i < 50; i++)
            {
                peer.Send("more");
                await server.Settled();
            }

            got = (await Task.Run(peer.ReadToEnd).Within()).Length;
            peer.HalfClose();
        }
        catch (SocketException)
        {
            // The answer to what it sent was a reset.
        }

        Assert.That(got, Is.EqualTo(lingers ? ReplyBytes : 0));
        await Until.True(() => server.Counters.Connections == 0);
    }

    [Test]
    public async Task Closing_is_done_when_the_peer_ends_its_side_and_not_before()
    {
        await using var wire = await Wire.Dial(options: new ConnectOptions { Linger = Long });
        await wire.Connection.Output.WriteAsync("bye"u8.ToArray()).Within();

        var closing = wire.Connection.CloseAsync().AsTask();
        Assert.That(Encoding.Latin1.GetString(wire.Peer.ReadToEnd()), Is.EqualTo("bye"), "The FIN is out.");
        wire.Peer.Send("still talking");
        await wire.Settled();
        Assert.That(closing.IsCompleted, Is.False);
        Assert.That(wire.Connection.CloseAsync().AsTask().IsCompleted, Is.False, "A second one waits for the same.");
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.None));

        wire.Peer.HalfClose();

        await closing.Within();
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.ClosedLocally));
        await Until.Canceled(wire.Connection.Closed);
        Assert.That((wire.Loop.Counters.Timers, wire.Loop.Counters.Connections, wire.Loop.Counters.RentedBuffers), Is.EqualTo((0, 0, 0)));
    }

    [Test]
    public async Task The_time_ends_it()
    {
        await using var wire = await Wire.Dial(options: new ConnectOptions { Linger = TimeSpan.FromMilliseconds(100) });
        var waiting = System.Diagnostics.Stopwatch.StartNew();

        await wire.Connection.CloseAsync().Within();

        Assert.That(waiting.Elapsed, Is.GreaterThan(TimeSpan.FromMilliseconds(95)));
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.ClosedLocally));
        Assert.That(wire.Loop.Counters.CloseTimeouts, Is.Zero, "What was flushed had gone out.");
        Assert.That(wire.Peer.EndsInOrder(), Is.True);
    }

    [Test]
    public async Task The_time_begins_when_the_peer_has_taken_what_was_flushed()
    {
        var kernel = new ScriptedKernel();
        var faucet = new Faucet(kernel);
        await using var wire = await Wire.Dial(kernel, new ConnectOptions { Linger = TimeSpan.FromSeconds(5), CloseTimeout = Long });
        faucet.Close();
        await wire.Connection.Output.WriteAsync("late"u8.ToArray()).Within();
        var closing = wire.Connection.CloseAsync().AsTask();
        kernel.Jump(TimeSpan.FromSeconds(30));
        await wire.Settled();
        Assert.That(closing.IsCompleted, Is.False);

        faucet.Give(wire.Loop, int.MaxValue);
        Assert.That(Encoding.Latin1.GetString(wire.Peer.ReadToEnd()), Is.EqualTo("late"));
        await wire.Settled();
        Assert.That(closing.IsCompleted, Is.False, "It lingers now.");

        kernel.Jump(TimeSpan.FromSeconds(6));
        await closing.Within();
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.ClosedLocally));
    }

    [Test]
    public async Task A_stalled_peer_is_given_up_by_CloseTimeout_before_there_is_anything_to_linger_for()
    {
        var kernel = new ScriptedKernel();
        var faucet = new Faucet(kernel);
        await using var wire = await Wire.Dial(kernel, new ConnectOptions { Linger = Long, CloseTimeout = TimeSpan.FromMilliseconds(50) });
        faucet.Close();
        await wire.Connection.Output.WriteAsync("never taken"u8.ToArray()).Within();

        await wire.Connection.CloseAsync().Within();

        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.CloseTimeout));
        Assert.That(wire.Peer.EndsInOrder(), Is.False);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task There_is_nothing_to_wait_for_when_the_peer_has_ended_its_side_before(bool wasRead)
    {
        await using var wire = await Wire.Dial(options: new ConnectOptions { Linger = Long });
        wire.Peer.HalfClose();
        if (wasRead)
            Assert.That((await wire.Connection.Input.ReadAsync().Within()).IsCompleted, Is.True);

        await wire.Connection.CloseAsync().Within();

        Assert.That(wire.Peer.EndsInOrder(), Is.True);
        Assert.That(wire.Loop.Counters.Timers, Is.Zero);
    }

    [Test]
    public async Task A_reset_ends_it_without_an_error()
    {
        await using var wire = await Wire.Dial(options: new ConnectOptions { Linger = Long });
        var closing = wire.Connection.CloseAsync().AsTask();
        await wire.Settled();

        wire.Peer.Reset();

        await closing.Within();
        await Until.Canceled(wire.Connection.Closed);
        Assert.That((wire.Loop.Counters.Timers, wire.Loop.Counters.Registrations), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Abort_ends_it_at_once()
    {
        await using var wire = await Wire.Dial(options: new ConnectOptions { Linger = Long });
        var closing = wire.Connection.CloseAsync().AsTask();
        await wire.Settled();

        wire.Connection.Abort();

        await closing.Within();
        Assert.That(wire.Loop.Counters.Timers, Is.Zero);
        wire.Peer.EndsInOrder();
    }

    [Test]
    public async Task A_flood_that_is_thrown_away_leaves_the_loop_to_others()
    {
        await using var wire = await Wire.Dial(options: new ConnectOptions { Linger = Long });
        var closing = wire.Connection.CloseAsync().AsTask();
        var flooding = Task.Factory.StartNew(
            () =>
            {
                var block = new byte[256 * 1024];
                for (var i = 0; i < 400; i++)
                    wire.Peer.Send(block);
                wire.Peer.HalfClose();
            },
            TaskCreationOptions.LongRunning);

        for (var i = 0; i < 20; i++)
            await wire.Loop.After(TimeSpan.FromMilliseconds(1));

        await flooding.Within();
        await closing.Within();
        Assert.That(wire.Loop.Counters.BytesReceived, Is.EqualTo(400 * 256 * 1024));
        Assert.That(wire.Loop.Counters.RentedBuffers, Is.Zero);
    }

    [Test]
    public async Task A_loop_that_ends_waits_for_it()
    {
        var wire = await Wire.Dial(options: new ConnectOptions { Linger = Long });
        var closing = wire.Connection.CloseAsync().AsTask();
        await wire.Settled();

        var ending = wire.Loop.DisposeAsync().AsTask();
        await wire.Settled();
        Assert.That(ending.IsCompleted, Is.False);
        wire.Peer.HalfClose();

        await closing.Within();
        await ending.Within();
        Assert.That((wire.Loop.Counters.Drained, wire.Loop.Counters.Aborted), Is.EqualTo((1, 0)));
        wire.Peer.Dispose();
    }

    [Test]
    public async Task A_loop_that_ends_aborts_it_when_the_grace_is_over()
    {
        var loop = TestLoop.Start(connect: new ConnectOptions { Linger = Long }, shutdownTimeout: TimeSpan.FromMilliseconds(100));
        using var raw = RawListener.Start();
        var connection = await loop.ConnectAsync(raw.LocalEndPoint).Within();
        using var peer = raw.Accept();
        var closing = connection.CloseAsync().AsTask();
        await loop.Settled();

        await loop.DisposeAsync().Within();

        await closing.Within();
        Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.LoopStopped));
        Assert.That((loop.Counters.Drained, loop.Counters.Aborted), Is.EqualTo((0, 1)));
        Assert.That(peer.EndsInOrder(), Is.True, "Its FIN was out long before.");
    }

    [Test]
    public async Task A_handler_that_ends_because_the_loop_stops_was_stopped_by_the_loop_as_without_it()
    {
        var loop = TestLoop.Start();
        Connection? served = null;
        await using var listener = await loop.ListenAsync(
            Loopback.AnyPort,
            connection =>
            {
                served = connection;
                return Handlers.Echo(connection);
            },
            new ListenOptions { Linger = Long }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Active == 1);

        var ending = loop.DisposeAsync().AsTask();
        Assert.That(peer.EndsInOrder(), Is.True);
        peer.HalfClose();
        await ending.Within();

        Assert.That(served!.CloseReason, Is.EqualTo(CloseReason.LoopStopped));
    }

    [Test]
    public async Task A_Unix_connection_lingers_as_any_other()
    {
        using var directory = new ScratchDirectory();
        await using var wire = await Wire.Dial(options: new ConnectOptions { Linger = Long }, at: new UnixDomainSocketEndPoint(directory.File("s")));
        var closing = wire.Connection.CloseAsync().AsTask();
        wire.Peer.Send("more");
        await wire.Settled();
        Assert.That(closing.IsCompleted, Is.False);

        wire.Peer.Dispose();

        await closing.Within();
    }

    [Test]
    public void A_negative_time_is_refused_when_it_is_set() =>
        Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ConnectOptions { Linger = TimeSpan.FromTicks(-1) });

    private static async Task<(EventLoop Loop, Listener Listener, RawPeer Peer)> Reply(TimeSpan? linger)
    {
        var loop = TestLoop.Start();
        var listener = await loop.ListenAsync(
            Loopback.AnyPort,
            async connection =>
            {
                connection.Input.AdvanceTo((await connection.Input.ReadAtLeastAsync(8)).Buffer.End);
                await connection.Output.WriteAsync(new byte[ReplyBytes]);
            },
            new ListenOptions { Linger = linger, SendBufferSize = 1024 * 1024 }).Within();
        return (loop, listener, RawPeer.Dial(listener.LocalEndPoint, receiveBuffer: 8 * 1024));
    }
}
