using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A listener on the addresses that there are, and how it ends.</summary>
[TestFixture]
public sealed class ListenerTests
{
    [Test]
    public async Task Port_zero_tells_the_real_port()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        await using var other = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();

        Assert.That(((IPEndPoint)listener.LocalEndPoint).Port, Is.Not.Zero);
        Assert.That(listener.LocalEndPoint, Is.Not.EqualTo(other.LocalEndPoint));
    }

    [Test]
    public async Task An_accepted_connection_knows_both_ends_and_its_loop()
    {
        await using var loop = TestLoop.Start();
        var served = new TaskCompletionSource<(EndPoint?, EndPoint?, EventLoop, bool)>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, connection =>
        {
            served.SetResult((connection.LocalEndPoint, connection.RemoteEndPoint, connection.Loop, loop.IsOnLoop));
            return Task.CompletedTask;
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        Assert.That(await served.Task.Within(), Is.EqualTo((listener.LocalEndPoint, peer.LocalEndPoint, loop, true)));
    }

    [TestCase("0.0.0.0", "127.0.0.1")]
    [TestCase("::", "::1")]
    public async Task Bound_to_a_wildcard_each_connection_knows_the_address_it_was_dialled_at(string wildcard, string dialled)
    {
        if (dialled.Contains(':', StringComparison.Ordinal))
            Loopback.NeedIPv6OrSkip();
        await using var loop = TestLoop.Start();
        var local = new TaskCompletionSource<EndPoint?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(new IPEndPoint(IPAddress.Parse(wildcard), 0), connection =>
        {
            local.SetResult(connection.LocalEndPoint);
            return Task.CompletedTask;
        }).Within();
        var target = new IPEndPoint(IPAddress.Parse(dialled), ((IPEndPoint)listener.LocalEndPoint).Port);

        using var peer = RawPeer.Dial(target);

        Assert.That(await local.Task.Within(), Is.EqualTo(target));
    }

    [Test]
    public async Task A_port_in_use_is_an_error_that_names_call_errno_and_address()
    {
        await using var loop = TestLoop.Start();
        using var taken = RawListener.Start();
        var sockets = Descriptors.Sockets();

        var error = await Assert.ThrowsAsync<ListenException>(async () => await loop.ListenAsync(taken.LocalEndPoint, Handlers.Echo).Within());

        using (Assert.EnterMultipleScope())
        {
            Assert.That((error!.Syscall, error.Errno), Is.EqualTo(("bind", Errno.EADDRINUSE)));
            Assert.That(error.EndPoint, Is.EqualTo(taken.LocalEndPoint));
            Assert.That(error.SocketErrorCode, Is.EqualTo(SocketError.AddressAlreadyInUse));
            Assert.That(error.Message, Does.Contain("EADDRINUSE").And.Contain($"{taken.LocalEndPoint}"));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That(loop.Counters.Registrations, Is.Zero);
        }
    }

    [Test]
    public async Task An_address_that_is_not_ours_is_an_error_that_says_so()
    {
        await using var loop = TestLoop.Start();

        var error = await Assert.ThrowsAsync<ListenException>(async () => await loop.ListenAsync(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0), Handlers.Echo).Within());

        Assert.That(error!.Errno, Is.EqualTo(Errno.EADDRNOTAVAIL));
    }

    [TestCase(KernelCall.Socket, Errno.EMFILE, "socket")]
    [TestCase(KernelCall.SetOption, Errno.ENOPROTOOPT, "setsockopt(TCP_NODELAY)")]
    [TestCase(KernelCall.Bind, Errno.EACCES, "bind")]
    [TestCase(KernelCall.Listen, Errno.EADDRINUSE, "listen")]
    [TestCase(KernelCall.Add, Errno.ENOSPC, null)]
    public async Task Whatever_call_fails_is_named_and_nothing_is_left(object call, Errno errno, string? syscall)
    {
        var kernel = new ScriptedKernel();
        var answer = -(int)errno;
        switch ((KernelCall)call)
        {
            case KernelCall.Socket:
                kernel.OnSocket = _ => answer;
                break;
            case KernelCall.SetOption:
                kernel.OnSetOption = (_, _, _) => answer;
                break;
            case KernelCall.Bind:
                kernel.OnBind = (_, _) => answer;
                break;
            case KernelCall.Listen:
                kernel.OnListen = (_, _) => answer;
                break;
            default:
                kernel.OnAdd = (_, _) => answer;
                break;
        }

        await using var loop = TestLoop.Start(kernel);
        var sockets = Descriptors.Sockets();

        var error = await Assert.ThrowsAsync<ListenException>(async () => await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within());

        Assert.That((error!.Syscall, error.Errno), Is.EqualTo((syscall ?? KqueueLibrary.AddSyscall, errno)));
        Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
    }

    [Test]
    public async Task The_same_port_can_be_bound_right_after_it_was_closed_with_connections_in_TIME_WAIT()
    {
        await using var loop = TestLoop.Start();
        var listener = await loop.ListenAsync(Loopback.AnyPort, static _ => Task.CompletedTask).Within();
        using (var peer = RawPeer.Dial(listener.LocalEndPoint))
        {
            // The server closes first, so that TIME_WAIT is on its side.
            Assert.That(peer.EndsInOrder(), Is.True);
        }

        await listener.DisposeAsync();

        await using var again = await loop.ListenAsync(listener.LocalEndPoint, Handlers.Echo).Within();
        Assert.That(again.LocalEndPoint, Is.EqualTo(listener.LocalEndPoint));
    }

    [Test]
    public async Task IPv6Only_leaves_IPv4_alone_and_without_it_both_are_served()
    {
        Loopback.NeedIPv6OrSkip();
        await using var loop = TestLoop.Start();
        await using (var both = await loop.ListenAsync(new IPEndPoint(IPAddress.IPv6Any, 0), Handlers.Echo, new ListenOptions { IPv6Only = false }).Within())
        {
            using var peer = RawPeer.Dial(new IPEndPoint(IPAddress.Loopback, ((IPEndPoint)both.LocalEndPoint).Port));
            peer.Send("v4");
            Assert.That(peer.ReadText(2), Is.EqualTo("v4"));
        }

        await using var only6 = await loop.ListenAsync(new IPEndPoint(IPAddress.IPv6Any, 0), Handlers.Echo, new ListenOptions { IPv6Only = true }).Within();
        var port = ((IPEndPoint)only6.LocalEndPoint).Port;
        using var peer6 = RawPeer.Dial(new IPEndPoint(IPAddress.IPv6Loopback, port));
        Assert.That((await loop.TryConnectAsync(new IPEndPoint(IPAddress.Loopback, port)).Within()).Outcome, Is.EqualTo(ConnectOutcome.Refused));
    }

    [Test]
    public async Task Thousands_that_wait_in_the_backlog_are_all_served()
    {
        KqueueLibrary.RequireRoomForThousands();
        const int waiting = 4_000;
        DescriptorLimit.NeedOrSkip((2 * waiting) + 500);
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, new ListenOptions { Backlog = waiting }).Within();

        // The loop is held while they dial, so that they pile up behind a single edge.
        using var release = new ManualResetEventSlim();
        loop.Post(() => release.Wait(Until.Limit));
        var peers = Enumerable.Range(0, waiting).Select(_ => RawPeer.Dial(listener.LocalEndPoint)).ToArray();
        release.Set();

        await Until.True(() => listener.Accepted == waiting);
        Assert.That(listener.Active, Is.EqualTo(waiting));
        foreach (var peer in peers)
            peer.Dispose();
        await Until.True(() => listener.Active == 0);
    }

    [Test]
    public async Task Accepting_is_bounded_by_turn_and_the_edge_strands_nobody()
    {
        var kernel = new ScriptedKernel();
        var accepts = 0;
        var most = 0;
        kernel.OnAccept = (descriptor, peer) =>
        {
            most = Math.Max(most, ++accepts);
            return kernel.Real.Accept(descriptor, peer);
        };
        kernel.OnWait = (events, timeoutMs) =>
        {
            accepts = 0;
            return kernel.RealPoller!.Wait(events, timeoutMs);
        };
        await using var loop = TestLoop.Start(kernel);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Discard).Within();
        using var release = new ManualResetEventSlim();
        loop.Post(() => release.Wait(Until.Limit));
        var peers = Enumerable.Range(0, 600).Select(_ => RawPeer.Dial(listener.LocalEndPoint)).ToArray();
        release.Set();

        await Until.True(() => listener.Accepted == 600);

        Assert.That(most, Is.LessThanOrEqualTo(64), "Accepts in one turn.");
        foreach (var peer in peers)
            peer.Dispose();
    }

    [Test]
    public async Task MaxConnections_leaves_the_others_in_the_backlog_until_one_ends()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, new ListenOptions { MaxConnections = 2 }).Within();
        var peers = Enumerable.Range(0, 6).Select(_ => RawPeer.Dial(listener.LocalEndPoint)).ToArray();
        foreach (var peer in peers)
            peer.Send("x");

        await Until.True(() => listener.Active == 2);
        await loop.After(TimeSpan.FromMilliseconds(50));
        Assert.That(listener.Accepted, Is.EqualTo(2));

        // First come, first served, two at a time.
        for (var i = 0; i < peers.Length; i++)
        {
            Assert.That(peers[i].ReadText(1), Is.EqualTo("x"));
            Assert.That(listener.Active, Is.LessThanOrEqualTo(2));
            peers[i].Dispose();
        }

        await Until.True(() => listener.Active == 0);
        Assert.That(listener.Accepted, Is.EqualTo(6));
    }

    [Test]
    public async Task Disposing_it_refuses_new_ones_and_lets_the_served_go_on()
    {
        await using var loop = TestLoop.Start();
        var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var served = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Active == 1);

        await listener.DisposeAsync();
        await listener.DisposeAsync();

        Assert.That(listener.Completion.IsCompletedSuccessfully, Is.True);
        served.Send("still");
        Assert.That(served.ReadText(5), Is.EqualTo("still"));
        Assert.That((await loop.TryConnectAsync(listener.LocalEndPoint).Within()).Outcome, Is.EqualTo(ConnectOutcome.Refused));
    }

    [Test]
    public async Task A_listener_disposed_from_its_own_handler_ends()
    {
        await using var loop = TestLoop.Start();
        Listener? listener = null;
        listener = await loop.ListenAsync(Loopback.AnyPort, async _ => await listener!.DisposeAsync()).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        Assert.That(peer.EndsInOrder(), Is.True);
        await listener.Completion.Within();
    }

    [Test]
    public async Task NoDelay_holds_for_accepted_and_dialled_connections_as_the_options_say()
    {
        foreach (var noDelay in (bool[])[true, false])
        {
            await using var loop = TestLoop.Start(connect: new ConnectOptions { NoDelay = noDelay });
            var descriptors = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
            var release = new TaskCompletionSource();
            await using var listener = await loop.ListenAsync(
                Loopback.AnyPort,
                async connection =>
                {
                    descriptors.SetResult(connection.Descriptor);
                    await release.Task;
                },
                new ListenOptions { NoDelay = noDelay }).Within();
            await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

            Assert.That(NoDelayOf(await descriptors.Task.Within()), Is.EqualTo(noDelay), "accepted");
            Assert.That(NoDelayOf(await loop.InvokeAsync(() => connection.Descriptor).Within()), Is.EqualTo(noDelay), "dialled");
            release.SetResult();
        }
    }

    [Test]
    public async Task Closed_before_it_starts_the_loop_listens_no_more()
    {
        var loop = TestLoop.Start();
        await loop.DisposeAsync().Within();

        await Assert.CatchAsync<ObjectDisposedException>(async () => await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within());
    }

    [TestCase(0)]
    [TestCase(-5)]
    public void Limits_below_one_are_refused_when_they_are_set(int value)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ListenOptions { Backlog = value });
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ListenOptions { MaxConnections = value });
    }

    private static bool NoDelayOf(int descriptor)
    {
        using var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: false));
        return socket.NoDelay;
    }
}
