using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;
using static Reactor.DarwinAbi;

namespace Reactor.Tests;

/// <summary>
/// A socket that kevent(2) refuses to watch is heard of only with the next wait, when a connect, a connection or a listener stands
/// behind it already: it ends, and says why.
/// </summary>
[TestFixture]
[Platform(Include = "Linux", Reason = "The scripted kqueue(2) stands on the calls of Linux.")]
public sealed class UnwatchedSocketTests
{
    private const int NativeEBADF = 9;
    private const int NativeENOMEM = 12;

    private ScriptedKqueue _kqueue = null!;
    private LogRecorder _log = null!;

    [SetUp]
    public void Make_a_kqueue()
    {
        _kqueue = new ScriptedKqueue();
        _log = new LogRecorder();
    }

    [TearDown]
    public void Dispose_of_the_log() => _log.Dispose();

    [TestCase(EVFILT_READ)]
    [TestCase(EVFILT_WRITE)]
    [TestCase(EVFILT_EXCEPT)]
    [TestCase(0)]
    public async Task A_connect_fails_and_names_kevent(short filter)
    {
        _kqueue.Refusal = change => (change.flags & EV_ADD) != 0 && change.filter != EVFILT_USER && (filter == 0 || filter == change.filter) ? NativeENOMEM : 0;
        await using var loop = StartLoop();
        using var listener = RawListener.Start();
        var sockets = Descriptors.Sockets();

        var result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((result.Outcome, result.Syscall, result.Errno), Is.EqualTo((ConnectOutcome.Failed, "kevent", Errno.ENOMEM)));
            Assert.That(result.ToException().Message, Does.Contain("kevent").And.Contain("ENOMEM"));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That(_kqueue.Registered, Is.Empty);
            var counters = await loop.InvokeAsync(() => loop.Counters).Within();
            Assert.That((counters.Registrations, counters.Timers, counters.Connections), Is.EqualTo((0, 0, 0)));
        }
    }

    [Test]
    public async Task A_connection_fails_who_reads_and_who_writes_and_names_the_errno()
    {
        await using var loop = StartLoop();
        using var directory = new ScratchDirectory();
        using var listener = RawListener.Start(new UnixDomainSocketEndPoint(directory.File("s")));
        RefuseSockets(NativeEBADF);
        var sockets = Descriptors.Sockets();

        // A Unix-domain connect is done at once, so the connection is there before the wait that finds it refused.
        var (connection, reading) = await loop.InvokeAsync(async () =>
        {
            var connection = await loop.ConnectAsync(listener.LocalEndPoint);
            return (connection, connection.Input.ReadAsync().AsTask());
        }).Within();
        await Until.Canceled(connection.Closed);

        var read = await Assert.CatchAsync<ConnectionException>(async () => await reading.Within());
        var write = await Assert.CatchAsync<ConnectionException>(async () => await connection.Output.WriteAsync("late"u8.ToArray()).Within());
        await loop.Settled();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((read!.Errno, write!.Errno), Is.EqualTo((Errno.EBADF, Errno.EBADF)));
            Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.Failed));
            Assert.That(_log.Lines.Select(static line => line.Text), Has.One.Contains("kevent").And.Some.Contains("EBADF"));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That(loop.Counters.Registrations, Is.Zero);
        }
    }

    [Test]
    public async Task A_connection_that_nobody_reads_ends_as_well()
    {
        await using var loop = StartLoop();
        using var directory = new ScratchDirectory();
        using var listener = RawListener.Start(new UnixDomainSocketEndPoint(directory.File("s")));
        RefuseSockets(NativeENOMEM);

        var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        await Until.Canceled(connection.Closed);
        await Until.True(() => loop.Counters.Registrations == 0);
        using var peer = listener.Accept();
        Assert.That(await Task.Run(peer.EndsInOrder).Within(), Is.True, "The peer is not left waiting.");
    }

    [Test]
    public async Task An_accepted_connection_ends_and_its_listener_goes_on()
    {
        await using var loop = StartLoop();
        var failed = new TaskCompletionSource<ConnectionException>(TaskCreationOptions.RunContinuationsAsynchronously);
        var served = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            try
            {
                await connection.Input.ReadAsync();
                served.SetResult();
            }
            catch (ConnectionException exception)
            {
                failed.SetResult(exception);
            }
        }).Within();
        await Until.True(() => _kqueue.Registered.Count == 3);
        var descriptor = (int)_kqueue.Registered.First().Ident;
        RefuseSockets(NativeENOMEM);

        using var refused = RawPeer.Dial(listener.LocalEndPoint);
        _kqueue.Tell(descriptor, EVFILT_READ, data: 1);
        Assert.That((await failed.Task.Within()).Errno, Is.EqualTo(Errno.ENOMEM));
        await Until.True(() => listener.Active == 0);

        _kqueue.Refusal = null;
        using var welcome = RawPeer.Dial(listener.LocalEndPoint);
        _kqueue.Tell(descriptor, EVFILT_READ, data: 1);
        await Until.True(() => _kqueue.Registered.Count == 6);
        welcome.Send("hello");
        _kqueue.Tell((int)_kqueue.Registered.First(one => one.Ident != (nuint)descriptor).Ident, EVFILT_READ, data: 5);
        await served.Task.Within();
        Assert.That(listener.Accepted, Is.EqualTo(2));
    }

    [Test]
    public async Task A_listener_ends_with_an_exception_that_names_kevent()
    {
        await using var loop = StartLoop();
        RefuseSockets(NativeENOMEM);
        var sockets = Descriptors.Sockets();

        var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();

        var error = await Assert.ThrowsAsync<ListenException>(async () => await listener.Completion.Within());
        await loop.Settled();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((error!.Syscall, error.Errno, error.EndPoint), Is.EqualTo(("kevent", Errno.ENOMEM, listener.LocalEndPoint)));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That(loop.Counters.Registrations, Is.Zero);
            Assert.That(_log.Above(LogLevel.Warning).Single().Exception, Is.SameAs(error));
        }

        await listener.DisposeAsync();
    }

    [Test]
    public async Task A_listener_of_the_Unix_domain_takes_its_file_along()
    {
        await using var loop = StartLoop();
        using var directory = new ScratchDirectory();
        RefuseSockets(NativeENOMEM);

        var listener = await loop.ListenAsync(new UnixDomainSocketEndPoint(directory.File("s")), Handlers.Echo).Within();

        await Assert.ThrowsAsync<ListenException>(async () => await listener.Completion.Within());
        Assert.That(directory.File("s"), Does.Not.Exist);
    }

    [Test]
    public async Task A_remove_that_is_refused_hinders_no_close()
    {
        await using var loop = StartLoop();
        using var directory = new ScratchDirectory();
        using var listener = RawListener.Start(new UnixDomainSocketEndPoint(directory.File("s")));
        var sockets = Descriptors.Sockets();
        foreach (var native in (int[])[2, NativeEBADF])
        {
            _kqueue.Refusal = change => (change.flags & EV_DELETE) != 0 ? native : 0;
            var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
            await connection.Output.WriteAsync("hello"u8.ToArray()).Within();
            await connection.CloseAsync().Within();
            using var peer = listener.Accept();
            Assert.That(peer.ReadText(5), Is.EqualTo("hello"));
        }

        Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
        Assert.That(loop.Counters.Registrations, Is.Zero);
        Assert.That(_log.Above(LogLevel.Debug), Is.Empty);
    }

    private EventLoop StartLoop() => TestLoop.Start(new KernelOnScriptedKqueue(_kqueue), log: _log);

    private void RefuseSockets(int native) => _kqueue.Refusal = change => (change.flags & EV_ADD) != 0 ? native : 0;
}
