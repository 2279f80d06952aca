using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What the peer's last events tell, in whatever company they come: bytes first, then the end, to each who waits and once.</summary>
[TestFixture]
public sealed class HangUpTests
{
    [TestCase(false)]
    [TestCase(true)]
    public async Task Bytes_FIN_and_hang_up_as_one_event_are_bytes_then_the_end(bool someoneReads)
    {
        var kernel = new ScriptedKernel();
        var events = new OneEvent(kernel);
        await using var wire = await Wire.Dial(kernel);
        var fired = CountOf(wire.Connection.Closed);
        var reading = someoneReads ? wire.Connection.Input.ReadAsync().AsTask() : null;
        wire.Connection.ShutdownSend();
        Assert.That(wire.Peer.EndsInOrder(), Is.True);
        await wire.Settled();

        events.Hold();
        wire.Peer.Send("bytes");
        wire.Peer.HalfClose();
        var end = KqueueLibrary.Path is null ? Readiness.ReadClosed | Readiness.HangUp : Readiness.ReadClosed;
        await Until.True(() => (events.Held & end) == end);
        Assert.That(events.Held & Readiness.Readable, Is.Not.EqualTo(Readiness.None), "The test's own premise.");
        events.Release(wire.Loop);

        if (reading is not null)
        {
            var first = await reading.Within();
            Assert.That((first.Buffer.Length, first.IsCompleted), Is.EqualTo((5L, false)));
            wire.Connection.Input.AdvanceTo(first.Buffer.Start);
        }

        Assert.That(await wire.ReadText(5), Is.EqualTo("bytes"));
        Assert.That((await wire.Connection.Input.ReadAsync().Within()).IsCompleted, Is.True);
        await Until.Canceled(wire.Connection.Closed);
        await wire.Settled();
        Assert.That(fired(), Is.EqualTo(1));
        Assert.That(wire.Loop.Counters.Registrations, Is.Zero);
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Bytes_FIN_and_reset_as_one_event_are_bytes_then_the_reset(bool someoneReads)
    {
        var kernel = new ScriptedKernel();
        var events = new OneEvent(kernel);
        await using var wire = await Wire.Dial(kernel);
        var fired = CountOf(wire.Connection.Closed);
        var reading = someoneReads ? wire.Connection.Input.ReadAsync().AsTask() : null;
        await wire.Settled();

        events.Hold();
        wire.Peer.Send("bytes");
        wire.Peer.HalfClose();
        wire.Peer.Reset();
        await Until.True(() => (events.Held & Readiness.Error) != 0);
        events.Release(wire.Loop);

        if (reading is not null)
        {
            var first = await reading.Within();
            Assert.That(first.Buffer.Length, Is.EqualTo(5));
            wire.Connection.Input.AdvanceTo(first.Buffer.Start);
        }
        else
        {
            await Until.True(() => wire.Connection.CloseReason == CloseReason.Reset);
        }

        Assert.That(await wire.ReadText(5), Is.EqualTo("bytes"));
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await wire.Connection.Input.ReadAsync().Within());
        await Until.Canceled(wire.Connection.Closed);
        await wire.Settled();
        Assert.That(fired(), Is.EqualTo(1));
        Assert.That(wire.Loop.Counters.Registrations, Is.Zero);
    }

    [TestCase(Readiness.ReadClosed)]
    [TestCase(Readiness.HangUp)]
    [TestCase(Readiness.Error)]
    [TestCase(Readiness.Urgent)]
    [TestCase(Readiness.Readable | Readiness.ReadClosed | Readiness.HangUp | Readiness.Error | Readiness.Urgent | Readiness.Writable)]
    public async Task One_that_is_not_true_ends_nothing(Readiness untrue)
    {
        var kernel = new ScriptedKernel();
        var spurious = new SpuriousEvents(kernel);
        await using var wire = await Wire.Dial(kernel);
        var reading = wire.Connection.Input.ReadAsync().AsTask();

        for (var i = 0; i < 20; i++)
        {
            spurious.Give(untrue);
            await wire.Settled();
        }

        Assert.That((reading.IsCompleted, wire.Connection.CloseReason), Is.EqualTo((false, CloseReason.None)));
        wire.Peer.Send("alive");
        wire.Connection.Input.AdvanceTo((await reading.Within()).Buffer.Start);
        Assert.That(await wire.ReadText(5), Is.EqualTo("alive"));
        await wire.Connection.Output.WriteAsync("as well"u8.ToArray()).Within();
        Assert.That(wire.Peer.ReadText(7), Is.EqualTo("as well"));
    }

    [TestCase(false, false, false, false)]
    [TestCase(true, false, false, false)]
    [TestCase(false, true, false, false)]
    [TestCase(true, true, false, false)]
    [TestCase(true, true, true, false)]
    [TestCase(false, true, true, false)]
    [TestCase(true, false, false, true)]
    [TestCase(false, false, false, true)]
    [TestCase(false, false, true, false)]
    public async Task A_reset_is_told_once_to_each_who_waits_and_Closed_fires_once(bool reads, bool writes, bool peerHasEnded, bool weHaveEnded)
    {
        using var log = new LogRecorder();
        var kernel = new ScriptedKernel();
        var faucet = new Faucet(kernel);
        await using var wire = await Wire.Dial(kernel, log: log);
        var fired = CountOf(wire.Connection.Closed);
        if (weHaveEnded)
            wire.Connection.ShutdownSend();
        if (peerHasEnded)
        {
            wire.Peer.HalfClose();
            Assert.That((await wire.Connection.Input.ReadAsync().Within()).IsCompleted, Is.True);
            wire.Connection.Input.AdvanceTo(default);
        }

        faucet.Close();
        var reading = reads && !peerHasEnded ? wire.Connection.Input.ReadAsync().AsTask() : null;
        var flushing = writes ? wire.Connection.Output.WriteAsync(new byte[100_000]).AsTask() : null;
        await wire.Settled();

        wire.Peer.Reset();

        if (reading is not null)
            await Assert.ThrowsAsync<ConnectionResetException>(async () => await reading.Within());
        if (flushing is not null)
            await Assert.ThrowsAsync<ConnectionResetException>(async () => await flushing.Within());
        await Until.Canceled(wire.Connection.Closed);
        await wire.Settled();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(fired(), Is.EqualTo(1));
            Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Reset));
            Assert.That(wire.Loop.Counters.Registrations, Is.Zero);
            Assert.That(log.Lines.Count(static line => line.Event.Id == 22), Is.EqualTo(1));
            Assert.That(log.Above(LogLevel.Debug), Is.Empty);
        }
    }

    [Test]
    public async Task Both_sides_of_many_connections_shut_down_at_once_and_each_ends_by_itself()
    {
        const int pairs = 200;
        await using var server = TestLoop.Start();
        await using var client = TestLoop.Start();
        await using var listener = await server.ListenAsync(Loopback.AnyPort, async connection =>
        {
            connection.ShutdownSend();
            await Handlers.Discard(connection);
            connection.ShutdownSend();
        }).Within();

        await client.InvokeAsync(() => Task.WhenAll(Enumerable.Range(0, pairs).Select(async _ =>
        {
            var connection = await client.ConnectAsync(listener.LocalEndPoint);
            connection.ShutdownSend();
            var read = await connection.Input.ReadAsync();
            Assert.That((read.IsCompleted, read.Buffer.Length), Is.EqualTo((true, 0L)));
            await Until.Canceled(connection.Closed);
            connection.ShutdownSend();
            Assert.That(connection.CloseReason, Is.AnyOf(CloseReason.ClosedByPeer, CloseReason.ClosedLocally));
        }))).Within();

        await Until.True(() => server.Counters.Connections + client.Counters.Connections == 0);
        Assert.That(listener.Accepted, Is.EqualTo(pairs));
    }

    [Test]
    public async Task ShutdownSend_lets_a_slow_peer_have_the_whole_queue_and_then_the_end()
    {
        await using var wire = await Wire.Dial(options: new ConnectOptions { SendHighWatermark = 64 * 1024 * 1024, SendBufferSize = 16 * 1024 }, peerReceiveBuffer: 8 * 1024);
        var message = new byte[3_000_000];
        new Random(12).NextBytes(message);
        await wire.Connection.Output.WriteAsync(message).Within();
        wire.Connection.ShutdownSend();
        Assert.That(wire.Loop.Counters.RentedBuffers, Is.GreaterThan(0), "The test's own premise: it is queued on our side.");
        Assert.Throws<InvalidOperationException>(() => wire.Connection.Output.GetMemory(1));

        Assert.That((await Task.Run(wire.Peer.ReadToEnd).Within()).AsSpan().SequenceEqual(message), Is.True);

        wire.Peer.Send("thanks");
        Assert.That(await wire.ReadText(6), Is.EqualTo("thanks"));
        wire.Peer.HalfClose();
        Assert.That((await wire.Connection.Input.ReadAsync().Within()).IsCompleted, Is.True);
        await Until.Canceled(wire.Connection.Closed);
    }

    private static Func<int> CountOf(CancellationToken closed)
    {
        var fired = 0;
        closed.Register(() => Interlocked.Increment(ref fired));
        return () => Volatile.Read(ref fired);
    }

    /// <summary>Keeps the events of the socket that was registered last, and gives all of them as one.</summary>
    private sealed class OneEvent
    {
        private readonly ScriptedKernel _kernel;
        private Token _token;
        private volatile bool _holds;
        private int _held;
        private Errno _errno;

        public OneEvent(ScriptedKernel kernel)
        {
            _kernel = kernel;
            kernel.OnAdd = (descriptor, token) =>
            {
                _token = token;
                return kernel.RealPoller!.Add(descriptor, token);
            };
            kernel.OnWait = Wait;
        }

        public Readiness Held => (Readiness)Volatile.Read(ref _held);

        public void Hold() => _holds = true;

        public void Release(EventLoop loop)
        {
            _holds = false;
            loop.Post(static () => { });
        }

        private int Wait(Span<PollEvent> events, int timeoutMs)
        {
            var count = _kernel.RealPoller!.Wait(events, timeoutMs);
            var kept = 0;
            for (var i = 0; i < count; i++)
            {
                if (_holds && events[i].Token == _token)
                {
                    if (events[i].Errno != Errno.None)
                        _errno = events[i].Errno;
                    Volatile.Write(ref _held, _held | (int)events[i].Readiness);
                }
                else
                {
                    events[kept++] = events[i];
                }
            }

            if (_holds || _held == 0 || count < 0 || kept == events.Length)
                return count < 0 ? count : kept;
            events[kept++] = new PollEvent(_token, (Readiness)_held, _errno);
            Volatile.Write(ref _held, 0);
            return kept;
        }
    }
}
