using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What the kernel may answer and seldom does, injected through the seam.</summary>
[TestFixture]
public sealed class ConnectErrnoTests
{
    [Test]
    public async Task EINTR_of_connect_is_waited_on_and_connect_is_never_called_again()
    {
        var kernel = new ScriptedKernel();
        kernel.OnConnect = (descriptor, address) =>
        {
            // The handshake goes on behind an interrupted connect(2).
            kernel.Real.Connect(descriptor, address);
            return -(int)Errno.EINTR;
        };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();

        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(kernel.Count(KernelCall.Connect), Is.EqualTo(1));
        await ExpectUsable(connection, listener);
    }

    [Test]
    public async Task EINTR_of_a_Unix_connect_begins_anew_for_no_handshake_goes_on_behind_it()
    {
        var kernel = new ScriptedKernel();
        kernel.OnConnect = (descriptor, address) => kernel.Count(KernelCall.Connect) < 3 ? -(int)Errno.EINTR : kernel.Real.Connect(descriptor, address);
        await using var loop = TestLoop.Start(kernel);
        using var directory = new ScratchDirectory();
        using var listener = RawListener.Start(new UnixDomainSocketEndPoint(directory.File("s")));

        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(kernel.Count(KernelCall.Connect), Is.EqualTo(3));
        await ExpectUsable(connection, listener);
    }

    [TestCase(Errno.EALREADY)]
    [TestCase(Errno.EINPROGRESS)]
    public async Task A_connect_that_is_under_way_is_waited_on(Errno errno)
    {
        var kernel = new ScriptedKernel();
        kernel.OnConnect = (descriptor, address) =>
        {
            kernel.Real.Connect(descriptor, address);
            return -(int)errno;
        };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();

        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(kernel.Count(KernelCall.Connect), Is.EqualTo(1));
        await ExpectUsable(connection, listener);
    }

    [TestCase(Errno.EISCONN)]
    [TestCase(Errno.None)]
    public async Task A_connect_that_is_done_at_once_is_a_connection(Errno errno)
    {
        var kernel = new ScriptedKernel();
        kernel.OnConnect = (descriptor, address) =>
        {
            kernel.Real.Connect(descriptor, address);
            Until.Holds(() => kernel.Real.PeerAddress(descriptor, new SocketAddress(AddressFamily.InterNetwork, Kernel.AddressSize)) == 0, Until.Limit);
            return -(int)errno;
        };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();

        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(kernel.Count(KernelCall.Connect), Is.EqualTo(1));
        await ExpectUsable(connection, listener);
    }

    [Test]
    public async Task SO_ERROR_of_EINPROGRESS_means_a_spurious_event_and_is_waited_on()
    {
        var kernel = new ScriptedKernel();
        var asked = 0;
        kernel.OnSocketError = descriptor =>
        {
            if (Interlocked.Increment(ref asked) == 1)
                return -(int)Errno.EINPROGRESS;
            return kernel.Real.SocketError(descriptor);
        };
        var spurious = new SpuriousEvents(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var hanging = Loopback.Hanging();

        var connecting = loop.TryConnectAsync(hanging.EndPoint).AsTask();
        await Until.True(() => spurious.LastAdded != default);
        spurious.Give(Readiness.Writable);
        loop.Post(static () => { });
        await Until.True(() => Volatile.Read(ref asked) == 1);
        Assert.That(connecting.IsCompleted, Is.False);

        // The retransmitted SYN finds room after all.
        hanging.Open();
        var result = await connecting.Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
        Assert.That(kernel.Count(KernelCall.Connect), Is.EqualTo(1));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task SO_ERROR_of_zero_is_not_believed_while_there_is_no_peer()
    {
        var kernel = new ScriptedKernel();
        var spurious = new SpuriousEvents(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var hanging = Loopback.Hanging();
        var connecting = loop.TryConnectAsync(hanging.EndPoint).AsTask();
        await Until.True(() => spurious.LastAdded != default);

        spurious.Give(Readiness.Writable);
        await loop.Settled();

        Assert.That(kernel.Count(KernelCall.SocketError), Is.EqualTo(1));
        Assert.That(connecting.IsCompleted, Is.False);
        hanging.Open();
        var result = await connecting.Within();
        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task A_local_address_that_cannot_be_read_does_not_stop_a_connect()
    {
        var kernel = new ScriptedKernel { OnLocalAddress = static (_, _) => -(int)Errno.ENOBUFS };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();

        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(connection.LocalEndPoint, Is.Null);
        await ExpectUsable(connection, listener);
    }

    [TestCase(Errno.ECONNREFUSED, ConnectOutcome.Refused)]
    [TestCase(Errno.ETIMEDOUT, ConnectOutcome.TimedOut)]
    [TestCase(Errno.ENETUNREACH, ConnectOutcome.Unreachable)]
    [TestCase(Errno.EHOSTUNREACH, ConnectOutcome.Unreachable)]
    [TestCase(Errno.EHOSTDOWN, ConnectOutcome.Unreachable)]
    [TestCase(Errno.EADDRNOTAVAIL, ConnectOutcome.AddressUnavailable)]
    [TestCase(Errno.EADDRINUSE, ConnectOutcome.AddressUnavailable)]
    [TestCase(Errno.EAGAIN, ConnectOutcome.AddressUnavailable)]
    [TestCase(Errno.EACCES, null)]
    [TestCase(Errno.EPERM, null)]
    [TestCase(Errno.EAFNOSUPPORT, null)]
    [TestCase(Errno.EBADF, null)]
    [TestCase(Errno.EFAULT, null)]
    [TestCase(Errno.ENOTSOCK, null)]
    [TestCase(Errno.EPROTOTYPE, null)]
    [TestCase(Errno.ECONNRESET, null)]
    [TestCase(Errno.ENETDOWN, null)]
    [TestCase(Errno.ENOBUFS, null)]
    [TestCase(Errno.ENOMEM, null)]
    [TestCase(Errno.EINVAL, null)]
    public async Task An_error_of_connect_itself_is_an_outcome_that_leaves_nothing(Errno errno, ConnectOutcome? outcome)
    {
        var kernel = new ScriptedKernel { OnConnect = (_, _) => -(int)errno };
        await using var loop = TestLoop.Start(kernel);
        var sockets = Descriptors.Sockets();

        var result = await loop.TryConnectAsync(new IPEndPoint(IPAddress.Loopback, 9)).Within();

        Expect(result, errno, outcome, "connect");
        await ExpectNothingLeft(loop, sockets);
        Assert.That(kernel.Count(KernelCall.Connect), Is.EqualTo(1));
    }

    [TestCase(Errno.ECONNREFUSED, ConnectOutcome.Refused)]
    [TestCase(Errno.ETIMEDOUT, ConnectOutcome.TimedOut)]
    [TestCase(Errno.ENETUNREACH, ConnectOutcome.Unreachable)]
    [TestCase(Errno.EHOSTUNREACH, ConnectOutcome.Unreachable)]
    [TestCase(Errno.EHOSTDOWN, ConnectOutcome.Unreachable)]
    [TestCase(Errno.ECONNRESET, null)]
    [TestCase(Errno.EPROTO, null)]
    public async Task An_error_of_SO_ERROR_is_an_outcome_that_leaves_nothing(Errno errno, ConnectOutcome? outcome)
    {
        var kernel = new ScriptedKernel { OnSocketError = _ => -(int)errno };
        await using var loop = TestLoop.Start(kernel);
        using var refusing = Loopback.Refusing();
        var sockets = Descriptors.Sockets();

        var result = await loop.TryConnectAsync(refusing.EndPoint).Within();

        Expect(result, errno, outcome, "connect");
        await ExpectNothingLeft(loop, sockets);
    }

    [TestCase(Errno.EMFILE)]
    [TestCase(Errno.ENFILE)]
    [TestCase(Errno.ENOBUFS)]
    [TestCase(Errno.ENOMEM)]
    [TestCase(Errno.EACCES)]
    [TestCase(Errno.EAFNOSUPPORT)]
    public async Task A_socket_that_cannot_be_had_is_a_clear_outcome(Errno errno)
    {
        var kernel = new ScriptedKernel { OnSocket = _ => -(int)errno };
        await using var loop = TestLoop.Start(kernel);

        var result = await loop.TryConnectAsync(new IPEndPoint(IPAddress.Loopback, 9)).Within();

        Expect(result, errno, ConnectOutcome.Failed, "socket");
        Assert.That(kernel.Count(KernelCall.Connect), Is.Zero);
        Assert.That(loop.Counters.Registrations, Is.Zero);
        Assert.That(loop.Counters.Timers, Is.Zero);
    }

    [TestCase(Errno.ENOMEM)]
    [TestCase(Errno.ENOSPC)]
    public async Task A_poller_that_takes_no_more_is_a_clear_outcome(Errno errno)
    {
        var kernel = new ScriptedKernel { OnAdd = (_, _) => -(int)errno };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();
        var sockets = Descriptors.Sockets();

        var result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();

        Expect(result, errno, ConnectOutcome.Failed, syscall: null);
        await ExpectNothingLeft(loop, sockets);
    }

    [TestCase(Errno.EADDRINUSE, ConnectOutcome.AddressUnavailable)]
    [TestCase(Errno.EADDRNOTAVAIL, ConnectOutcome.AddressUnavailable)]
    [TestCase(Errno.EACCES, ConnectOutcome.Failed)]
    public async Task A_local_endpoint_that_is_refused_is_told_with_its_call(Errno errno, ConnectOutcome outcome)
    {
        var kernel = new ScriptedKernel { OnBind = (_, _) => -(int)errno };
        await using var loop = TestLoop.Start(kernel, new ConnectOptions { LocalEndPoints = [Loopback.AnyPort] });
        using var listener = RawListener.Start();
        var sockets = Descriptors.Sockets();

        var result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();

        Expect(result, errno, outcome, "bind");
        await ExpectNothingLeft(loop, sockets);
    }

    [Test]
    public async Task A_spurious_event_of_any_kind_does_not_end_a_pending_connect()
    {
        var kernel = new ScriptedKernel();
        var spurious = new SpuriousEvents(kernel);
        kernel.OnSocketError = descriptor => kernel.Real.PeerAddress(descriptor, new SocketAddress(AddressFamily.InterNetwork, Kernel.AddressSize)) == 0
            ? kernel.Real.SocketError(descriptor)
            : -(int)Errno.EINPROGRESS;
        await using var loop = TestLoop.Start(kernel);
        using var hanging = Loopback.Hanging();
        var connecting = loop.TryConnectAsync(hanging.EndPoint).AsTask();
        await Until.True(() => spurious.LastAdded != default);

        for (var readiness = 1; readiness < 64; readiness++)
        {
            spurious.Give((Readiness)readiness);
            await loop.InvokeAsync(static () => { }).Within();
        }

        await Until.True(() => spurious.AllGiven);
        Assert.That(connecting.IsCompleted, Is.False);

        hanging.Open();
        var result = await connecting.Within();
        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task An_option_that_the_system_refuses_does_not_stop_a_connect()
    {
        var kernel = new ScriptedKernel { OnSetOption = static (_, _, _) => -(int)Errno.ENOPROTOOPT };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();

        var result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(result.IsConnected || result.Errno == Errno.ENOPROTOOPT, Is.True, $"{result.Outcome} {result.Errno.Name}");
        if (result.Connection is { } connection)
            await connection.CloseAsync().Within();
    }

    private static void Expect(ConnectResult result, Errno errno, ConnectOutcome? outcome, string? syscall)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Outcome, Is.EqualTo(outcome ?? ConnectOutcome.Failed));
            Assert.That(result.Errno, Is.EqualTo(errno));
            if (syscall is not null)
                Assert.That(result.Syscall, Is.EqualTo(syscall));
            Assert.That(result.Connection, Is.Null);
            Assert.That(result.Attempts, Has.Count.EqualTo(1));
            Assert.That(result.ToException().Message, Does.Contain(errno.Name));
        }
    }

    private static async Task ExpectNothingLeft(EventLoop loop, int sockets)
    {
        var counters = await loop.InvokeAsync(() => loop.Counters).Within();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That(counters.Registrations, Is.Zero);
            Assert.That(counters.Timers, Is.Zero);
            Assert.That(counters.RentedBuffers, Is.Zero);
        }
    }

    private static async Task ExpectUsable(Connection connection, RawListener listener)
    {
        using var peer = listener.Accept();
        await connection.Output.WriteAsync("hello"u8.ToArray()).Within();
        Assert.That(peer.ReadText(5), Is.EqualTo("hello"));
        peer.Send("back");
        var read = await connection.Input.ReadAtLeastAsync(4).Within();
        Assert.That(read.Buffer.Length, Is.EqualTo(4));
        connection.Input.AdvanceTo(read.Buffer.End);
    }
}
