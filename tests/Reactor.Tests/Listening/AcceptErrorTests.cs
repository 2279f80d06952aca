using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What accept(2) may answer besides a connection.</summary>
[TestFixture]
public sealed class AcceptErrorTests
{
    [TestCase(Errno.ECONNABORTED)]
    [TestCase(Errno.EINTR)]
    [TestCase(Errno.EPROTO)]
    [TestCase(Errno.EPERM)]
    [TestCase(Errno.ENETDOWN)]
    [TestCase(Errno.ENOPROTOOPT)]
    [TestCase(Errno.EHOSTDOWN)]
    [TestCase(Errno.ENONET)]
    [TestCase(Errno.EHOSTUNREACH)]
    [TestCase(Errno.EOPNOTSUPP)]
    [TestCase(Errno.ENETUNREACH)]
    public async Task An_error_of_one_connection_goes_on_to_the_next(Errno errno)
    {
        var kernel = new ScriptedKernel();
        var failures = 3;
        kernel.OnAccept = (descriptor, peer) => failures-- > 0 ? -(int)errno : kernel.Real.Accept(descriptor, peer);
        await using var loop = TestLoop.Start(kernel);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();

        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        peer.Send("x");

        Assert.That(peer.ReadText(1), Is.EqualTo("x"));
        Assert.That(listener.Completion.IsCompleted, Is.False);
        Assert.That(listener.Accepted, Is.EqualTo(1));
    }

    [Test]
    public async Task An_error_that_repeats_for_ever_leaves_the_other_connections_their_turns()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var served = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Accepted == 1);
        kernel.OnAccept = static (_, _) => -(int)Errno.ECONNABORTED;

        using var storming = RawPeer.Dial(listener.LocalEndPoint);
        for (var i = 0; i < 100; i++)
        {
            served.Send("x");
            Assert.That(served.ReadText(1), Is.EqualTo("x"));
        }

        kernel.OnAccept = null;
        await Until.True(() => listener.Accepted == 2);
    }

    [TestCase(Errno.EINVAL)]
    [TestCase(Errno.EBADF)]
    [TestCase(Errno.ENOTSOCK)]
    public async Task An_error_of_the_listening_socket_ends_the_listener_with_that_error_told(Errno errno)
    {
        using var log = new LogRecorder();
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel, log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var served = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Accepted == 1);
        kernel.OnAccept = (_, _) => -(int)errno;
        using var last = RawPeer.Dial(listener.LocalEndPoint);

        var error = await Assert.ThrowsAsync<ListenException>(async () => await listener.Completion.Within());

        using (Assert.EnterMultipleScope())
        {
            Assert.That((error!.Syscall, error.Errno), Is.EqualTo(("accept", errno)));
            Assert.That(error.EndPoint, Is.EqualTo(listener.LocalEndPoint));
            Assert.That(log.Lines.Count(static line => line.Level == LogLevel.Error), Is.EqualTo(1));
        }

        served.Send("x");
        Assert.That(served.ReadText(1), Is.EqualTo("x"), "The served go on.");
    }

    [TestCase(Errno.ENOMEM)]
    [TestCase(Errno.ENOSPC)]
    public async Task A_connection_that_cannot_be_registered_is_dropped_and_accepting_goes_on(Errno errno)
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        kernel.OnAdd = (descriptor, token) =>
        {
            kernel.OnAdd = null;
            return -(int)errno;
        };

        using var dropped = RawPeer.Dial(listener.LocalEndPoint);
        dropped.EndsInOrder();
        using var served = RawPeer.Dial(listener.LocalEndPoint);
        served.Send("x");

        Assert.That(served.ReadText(1), Is.EqualTo("x"));
        Assert.That(loop.Counters.Connections, Is.EqualTo(1));
        Assert.That(listener.Active, Is.EqualTo(1));
    }

    [Test]
    public async Task A_peer_that_reset_before_it_was_accepted_harms_nobody()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var release = new ManualResetEventSlim();
        loop.Post(() => release.Wait(Until.Limit));
        for (var i = 0; i < 100; i++)
            RawPeer.Dial(listener.LocalEndPoint).Reset();
        using var healthy = RawPeer.Dial(listener.LocalEndPoint);
        release.Set();

        healthy.Send("x");

        Assert.That(healthy.ReadText(1), Is.EqualTo("x"));
        await Until.True(() => loop.Counters.Connections == 1);
    }
}
