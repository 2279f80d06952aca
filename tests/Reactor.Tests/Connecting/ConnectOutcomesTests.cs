using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>How a connect on this machine ends.</summary>
[TestFixture]
public sealed class ConnectOutcomesTests
{
    public static readonly IPEndPoint[] AnyPorts = [Loopback.AnyPort, Loopback.AnyPort6];

    [TestCaseSource(nameof(AnyPorts))]
    public async Task A_listening_port_gives_a_connection_that_knows_both_ends(IPEndPoint anyPort)
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start(anyPort);

        var result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
        await using var connection = result.Connection!;
        using var peer = listener.Accept();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.IsConnected, Is.True);
            Assert.That(result.Errno, Is.EqualTo(Errno.None));
            Assert.That(result.EndPoint, Is.EqualTo(listener.LocalEndPoint));
            Assert.That(result.ResolveException, Is.Null);
            Assert.That(result.Attempts, Has.Count.EqualTo(1));
            Assert.That(connection.RemoteEndPoint, Is.EqualTo(listener.LocalEndPoint));
            Assert.That(connection.LocalEndPoint, Is.EqualTo(peer.Socket.RemoteEndPoint));
            Assert.That(connection.Loop, Is.SameAs(loop));
            Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.None));
            Assert.That(connection.Closed.IsCancellationRequested, Is.False);
        }
    }

    [TestCaseSource(nameof(AnyPorts))]
    public async Task Refused_connect_is_reported_by_errno_and_closes_its_descriptor(IPEndPoint anyPort)
    {
        await using var loop = TestLoop.Start();
        using var refusing = Loopback.Refusing(anyPort.AddressFamily);
        var sockets = Descriptors.Sockets();

        var result = await loop.TryConnectAsync(refusing.EndPoint).Within();

        var left = await loop.InvokeAsync(Descriptors.Sockets).Within();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Refused));
            Assert.That(result.Errno, Is.EqualTo(Errno.ECONNREFUSED));
            Assert.That(result.Syscall, Is.EqualTo("connect"));
            Assert.That(result.EndPoint, Is.EqualTo(refusing.EndPoint));
            Assert.That(result.IsConnected, Is.False);
            Assert.That(result.Connection, Is.Null);
            Assert.That(result.Elapsed, Is.GreaterThan(TimeSpan.Zero).And.LessThan(Until.Limit));
            Assert.That(left, Is.EqualTo(sockets));
            Assert.That(loop.Counters.Registrations, Is.Zero);
            Assert.That(loop.Counters.Timers, Is.Zero);
        }
    }

    [Test]
    public async Task An_error_names_syscall_errno_address_and_time()
    {
        await using var loop = TestLoop.Start();
        using var refusing = Loopback.Refusing();

        var error = await Assert.ThrowsAsync<ConnectException>(async () => await loop.ConnectAsync(refusing.EndPoint).Within());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(error!.Errno, Is.EqualTo(Errno.ECONNREFUSED));
            Assert.That(error.Outcome, Is.EqualTo(ConnectOutcome.Refused));
            Assert.That(error.Syscall, Is.EqualTo("connect"));
            Assert.That(error.EndPoint, Is.EqualTo(refusing.EndPoint));
            Assert.That(error.Elapsed, Is.EqualTo(error.Result.Elapsed).And.GreaterThan(TimeSpan.Zero));
            Assert.That(error.SocketErrorCode, Is.EqualTo(SocketError.ConnectionRefused));
            Assert.That(error.Message, Does.Contain("connect").And.Contain("ECONNREFUSED").And.Contain($"{refusing.EndPoint}"));
            Assert.That(error.Message, Does.Match(@"\d"), "It tells how long it took.");
        }
    }

    [Test]
    public async Task A_host_that_is_an_address_needs_no_resolver()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();
        using var listener6 = RawListener.Start(Loopback.AnyPort6);

        await using var connection = await loop.ConnectAsync("127.0.0.1", listener.Port).Within();
        await using var connection6 = await loop.ConnectAsync("::1", listener6.Port).Within();

        Assert.That(connection.RemoteEndPoint, Is.EqualTo(listener.LocalEndPoint));
        Assert.That(connection6.RemoteEndPoint, Is.EqualTo(listener6.LocalEndPoint));
    }

    [TestCase("0.0.0.0", "127.0.0.1")]
    [TestCase("::", "::1")]
    public async Task The_unspecified_address_means_this_machine(string target, string listening)
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start(new IPEndPoint(IPAddress.Parse(listening), 0));

        var result = await loop.TryConnectAsync(new IPEndPoint(IPAddress.Parse(target), listener.Port)).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task An_IPv4_address_mapped_to_IPv6_reaches_the_IPv4_listener()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();

        var result = await loop.TryConnectAsync(new IPEndPoint(IPAddress.Loopback.MapToIPv6(), listener.Port)).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
        await result.Connection!.CloseAsync().Within();
    }

    [TestCase("255.255.255.255", 9)]
    [TestCase("224.0.0.1", 9)]
    [TestCase("ff02::1", 9)]
    [TestCase("127.0.0.1", 0)]
    [TestCase("::1", 0)]
    [TestCase("fe80::1%9999", 9)]
    public async Task What_cannot_be_dialled_fails_with_the_kernel_s_errno(string address, int port)
    {
        await using var loop = TestLoop.Start();

        var result = await loop.TryConnectAsync(new IPEndPoint(IPAddress.Parse(address), port)).Within();

        TestContext.Out.WriteLine($"{result.Outcome} {result.Errno.Name}");
        Assert.That(result.IsConnected, Is.False);
        Assert.That(result.Outcome, Is.Not.EqualTo(ConnectOutcome.TimedOut));
        Assert.That(result.Errno, Is.Not.EqualTo(Errno.None));
    }

    [Test]
    public async Task A_Unix_path_and_an_abstract_name_are_dialled()
    {
        await using var loop = TestLoop.Start();
        using var directory = new ScratchDirectory();
        foreach (var endPoint in (UnixDomainSocketEndPoint[])[new(directory.File("s")), new($"\0reactor-{Environment.ProcessId}")])
        {
            using var listener = RawListener.Start(endPoint);

            await using var connection = await loop.ConnectAsync(endPoint).Within();
            using var peer = listener.Accept();
            await connection.Output.WriteAsync("hello"u8.ToArray()).Within();

            Assert.That(peer.ReadText(5), Is.EqualTo("hello"));
            Assert.That(connection.RemoteEndPoint?.ToString(), Is.EqualTo(endPoint.ToString()));
        }
    }

    [Test]
    public async Task A_Unix_path_without_a_listener_is_refused_and_without_a_file_is_ENOENT()
    {
        await using var loop = TestLoop.Start();
        using var directory = new ScratchDirectory();
        var dead = new UnixDomainSocketEndPoint(directory.File("dead"));
        using (var socket = RawPeer.NewSocket(dead))
        {
            socket.Bind(dead);
            var refused = await loop.TryConnectAsync(dead).Within();
            Assert.That((refused.Outcome, refused.Errno), Is.EqualTo((ConnectOutcome.Refused, Errno.ECONNREFUSED)));
        }

        var absent = await loop.TryConnectAsync(new UnixDomainSocketEndPoint(directory.File("absent"))).Within();

        Assert.That(absent.Errno, Is.EqualTo(Errno.ENOENT));
        Assert.That(absent.IsConnected, Is.False);
    }

    [Test]
    public async Task A_full_Unix_listener_is_EAGAIN_and_not_a_hang()
    {
        await using var loop = TestLoop.Start();
        var endPoint = new UnixDomainSocketEndPoint($"\0reactor-full-{Environment.ProcessId}");
        using var listener = RawListener.Start(endPoint, backlog: 0);
        var connections = new List<Connection>();
        ConnectResult result;
        while ((result = await loop.TryConnectAsync(endPoint).Within()).IsConnected)
            connections.Add(result.Connection!);

        Assert.That(result.Errno, Is.EqualTo(Errno.EAGAIN));
        Assert.That(connections, Is.Not.Empty);
        foreach (var connection in connections)
            await connection.CloseAsync().Within();
    }

    [Test]
    public async Task A_local_endpoint_is_dialled_from()
    {
        using var reserved = new PortReservation(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
        var local = reserved.EndPoint;
        reserved.Dispose();
        await using var loop = TestLoop.Start(connect: new ConnectOptions { LocalEndPoints = [local] });
        using var listener = RawListener.Start();

        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        using var peer = listener.Accept();

        Assert.That(peer.Socket.RemoteEndPoint, Is.EqualTo(local));
        Assert.That(connection.LocalEndPoint, Is.EqualTo(local));
    }

    [Test]
    public async Task A_Unix_path_is_dialled_from_and_an_unnamed_client_has_no_address()
    {
        using var directory = new ScratchDirectory();
        var server = new UnixDomainSocketEndPoint(directory.File("server"));
        var client = new UnixDomainSocketEndPoint(directory.File("client"));
        await using var loop = TestLoop.Start(connect: new ConnectOptions { LocalEndPoints = [client] });
        var served = new List<Connection>();
        await using var listener = await loop.ListenAsync(server, async connection =>
        {
            served.Add(connection);
            await Handlers.Discard(connection);
        }).Within();

        await using (await loop.ConnectAsync(server).Within())
        using (RawPeer.Dial(server))
        {
            await Until.True(() => served.Count == 2);
            Assert.That(served[0].RemoteEndPoint?.ToString(), Is.EqualTo(client.ToString()));
            Assert.That(served[1].RemoteEndPoint, Is.Null);
            Assert.That(served[1].LocalEndPoint?.ToString(), Is.EqualTo(server.ToString()));
        }
    }

    [Test]
    public async Task A_local_address_without_a_port_leaves_the_port_to_the_system()
    {
        await using var loop = TestLoop.Start(connect: new ConnectOptions { LocalEndPoints = [new IPEndPoint(IPAddress.Parse("127.0.0.3"), 0)] });
        using var listener = RawListener.Start();

        await using var first = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        await using var second = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(((IPEndPoint)first.LocalEndPoint!).Address, Is.EqualTo(IPAddress.Parse("127.0.0.3")));
        Assert.That(first.LocalEndPoint, Is.Not.EqualTo(second.LocalEndPoint));
    }

    [Test]
    public async Task A_local_address_that_is_not_ours_is_unavailable()
    {
        // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
        await using var loop = TestLoop.Start(connect: new ConnectOptions { LocalEndPoints = [new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0)] });
        using var listener = RawListener.Start();

        var result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.AddressUnavailable));
            Assert.That(result.Errno, Is.EqualTo(Errno.EADDRNOTAVAIL));
            Assert.That(result.Syscall, Is.EqualTo("bind"));
        }
    }

    [Test]
    public async Task A_local_port_in_use_is_unavailable_and_told_apart_by_errno()
    {
        using var taken = RawListener.Start();
        await using var loop = TestLoop.Start(connect: new ConnectOptions { LocalEndPoints = [taken.LocalEndPoint] });
        using var listener = RawListener.Start();

        var result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.AddressUnavailable));
        Assert.That(result.Errno, Is.EqualTo(Errno.EADDRINUSE));
    }

    [Test]
    public async Task A_local_endpoint_of_another_family_fails_with_the_kernel_s_errno()
    {
        await using var loop = TestLoop.Start(connect: new ConnectOptions { LocalEndPoints = [Loopback.AnyPort6] });
        using var listener = RawListener.Start();

        var result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(result.IsConnected, Is.False);
        Assert.That(result.Errno, Is.AnyOf(Errno.EAFNOSUPPORT, Errno.EINVAL));
    }

    [Test]
    public async Task A_dialled_connection_belongs_to_who_dialled_it()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();
        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        using var peer = listener.Accept();

        peer.Send("kept");
        peer.HalfClose();
        await Until.True(() => loop.Counters.Connections == 1);

        var read = await connection.Input.ReadAtLeastAsync(4).Within();
        Assert.That(read.Buffer.Length, Is.EqualTo(4));
        Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.None));
        connection.Input.AdvanceTo(read.Buffer.End);
    }

    [Test]
    public async Task Dialling_costs_no_thread()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();

        // The same connect from the loop and from outside of it.
        await using var outside = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        await using var inside = await loop.InvokeAsync(async () =>
        {
            var connection = await loop.ConnectAsync(listener.LocalEndPoint);
            Assert.That(loop.IsOnLoop, Is.True, "The await came back to the loop.");
            return connection;
        }).Within();

        Assert.That(inside.Id, Is.Not.EqualTo(outside.Id));
        Assert.That(Descriptors.ThreadsNamed(TestLoop.ThreadName), Has.Count.EqualTo(1));
    }
}
