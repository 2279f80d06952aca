using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The outcomes that loopback does not have: a client, a router with a firewall and a server, each in a network namespace.</summary>
[TestFixture]
[Category("Namespaces")]
public sealed class ConnectAcrossRoutersTests
{
    public static readonly IPAddress[] Servers = [NetworkNamespaces.Server, NetworkNamespaces.Server6];

    private NetworkNamespaces? _namespaces;
    private RawListener _listener = null!;
    private RawListener _listener6 = null!;

    [OneTimeSetUp]
    public void Build()
    {
        _namespaces = NetworkNamespaces.BuildOrSkip();
        _listener = NetworkNamespaces.Inside(NetworkNamespaces.ServerName, static () => RawListener.Start(new IPEndPoint(NetworkNamespaces.Server, 0)));
        _listener6 = NetworkNamespaces.Inside(NetworkNamespaces.ServerName, static () => RawListener.Start(new IPEndPoint(NetworkNamespaces.Server6, 0)));
    }

    [OneTimeTearDown]
    public void TearDown()
    {
        _listener?.Dispose();
        _listener6?.Dispose();
        _namespaces?.Dispose();
    }

    [TestCaseSource(nameof(Servers))]
    public async Task A_listening_port_behind_a_router_is_connected(IPAddress server)
    {
        await using var loop = await ClientLoop();
        var listener = server.AddressFamily == AddressFamily.InterNetwork ? _listener : _listener6;

        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        using var peer = listener.Accept();
        await connection.Output.WriteAsync("hello"u8.ToArray()).Within();

        Assert.That(peer.ReadText(5), Is.EqualTo("hello"));
        Assert.That(peer.Socket.RemoteEndPoint, Is.EqualTo(connection.LocalEndPoint));
    }

    [TestCaseSource(nameof(Servers))]
    public Task A_closed_port_is_refused(IPAddress server) =>
        Expect(new IPEndPoint(server, NetworkNamespaces.ClosedPort), ConnectOutcome.Refused, Errno.ECONNREFUSED);

    [TestCaseSource(nameof(Servers))]
    public Task A_firewall_that_resets_is_refused(IPAddress server) =>
        Expect(new IPEndPoint(server, NetworkNamespaces.ResetPort), ConnectOutcome.Refused, Errno.ECONNREFUSED);

    [TestCaseSource(nameof(Servers))]
    public Task An_ICMP_port_unreachable_is_refused(IPAddress server) =>
        Expect(new IPEndPoint(server, NetworkNamespaces.PortUnreachablePort), ConnectOutcome.Refused, Errno.ECONNREFUSED);

    [TestCaseSource(nameof(Servers))]
    public Task A_router_that_answers_host_unreachable_is_unreachable(IPAddress server) =>
        Expect(new IPEndPoint(server, NetworkNamespaces.HostUnreachablePort), ConnectOutcome.Unreachable, Errno.EHOSTUNREACH);

    [TestCaseSource(nameof(Servers))]
    public Task A_router_that_answers_net_unreachable_is_unreachable(IPAddress server) =>
        Expect(new IPEndPoint(server, NetworkNamespaces.NetUnreachablePort), ConnectOutcome.Unreachable, Errno.ENETUNREACH);

    [TestCaseSource(nameof(Servers))]
    public Task A_router_that_answers_administratively_prohibited_is_unreachable(IPAddress server) => Expect(
        new IPEndPoint(server, NetworkNamespaces.ProhibitedPort),
        ConnectOutcome.Unreachable,
        server.AddressFamily == AddressFamily.InterNetwork ? Errno.EHOSTUNREACH : Errno.EACCES);

    public static readonly IPAddress[] Absent = [NetworkNamespaces.AbsentNeighbour, NetworkNamespaces.AbsentNeighbour6, NetworkNamespaces.AbsentBehindRouter];

    [TestCaseSource(nameof(Absent))]
    public async Task A_host_that_is_absent_on_a_reached_network_is_unreachable_after_some_seconds(IPAddress address)
    {
        var result = await Expect(new IPEndPoint(address, NetworkNamespaces.ClosedPort), ConnectOutcome.Unreachable, Errno.EHOSTUNREACH);

        // Three solicitations, a second apart.
        Assert.That(result.Elapsed, Is.GreaterThan(TimeSpan.FromSeconds(1)));
    }

    public static readonly IPAddress[] Routeless = [NetworkNamespaces.WithoutRoute, NetworkNamespaces.WithoutRoute6];

    [TestCaseSource(nameof(Routeless))]
    public async Task Without_a_route_connect_itself_says_so(IPAddress address)
    {
        var result = await Expect(new IPEndPoint(address, 9), ConnectOutcome.Unreachable, Errno.ENETUNREACH);

        Assert.That(result.Attempts[0].IsImmediate, Is.True);
    }

    [TestCaseSource(nameof(Servers))]
    public async Task A_firewall_that_drops_ends_at_our_timeout_once(IPAddress server)
    {
        await using var loop = await ClientLoop(new ConnectOptions { ConnectTimeout = TimeSpan.FromMilliseconds(300) });

        var result = await loop.TryConnectAsync(new IPEndPoint(server, NetworkNamespaces.DroppedPort)).Within();

        Assert.That((result.Outcome, result.Errno), Is.EqualTo((ConnectOutcome.TimedOut, Errno.None)));
        Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(300)));
    }

    [Test]
    public async Task The_kernel_s_own_timeout_is_told_apart_from_ours_by_its_errno()
    {
        // One retransmission, so that the kernel gives up after some three seconds instead of two minutes.
        NetworkNamespaces.Set(NetworkNamespaces.ClientName, "net.ipv4.tcp_syn_retries", "1");
        await using var loop = await ClientLoop(new ConnectOptions { ConnectTimeout = Timeout.InfiniteTimeSpan });

        var result = await loop.TryConnectAsync(new IPEndPoint(NetworkNamespaces.Server, NetworkNamespaces.DroppedPort)).Within();

        NetworkNamespaces.Set(NetworkNamespaces.ClientName, "net.ipv4.tcp_syn_retries", "6");
        Assert.That((result.Outcome, result.Errno), Is.EqualTo((ConnectOutcome.TimedOut, Errno.ETIMEDOUT)));
        Assert.That(result.Syscall, Is.EqualTo("connect"));
    }

    [Test]
    public async Task With_all_local_ports_used_up_it_is_address_unavailable_and_recovers()
    {
        NetworkNamespaces.Set(NetworkNamespaces.ClientName, "net.ipv4.ip_local_port_range", "40000 40003");
        try
        {
            await using var loop = await ClientLoop();
            var connections = new List<Connection>();
            ConnectResult result;
            while ((result = await loop.TryConnectAsync(_listener.LocalEndPoint).Within()).IsConnected && connections.Count < 10)
                connections.Add(result.Connection!);

            Assert.That((result.Outcome, result.Errno, result.Syscall), Is.EqualTo((ConnectOutcome.AddressUnavailable, Errno.EADDRNOTAVAIL, "connect")));
            Assert.That(connections, Has.Count.LessThanOrEqualTo(4));

            // A reset leaves no TIME_WAIT, so the port is free at once.
            foreach (var connection in connections)
            {
                connection.Abort();
                await Until.Canceled(connection.Closed);
                await connection.CloseAsync().Within();
            }

            await using var again = await loop.ConnectAsync(_listener.LocalEndPoint).Within();
            again.Abort();
            await Until.Canceled(again.Closed);
        }
        finally
        {
            NetworkNamespaces.Set(NetworkNamespaces.ClientName, "net.ipv4.ip_local_port_range", "32768 60999");
        }
    }

    [Test]
    public async Task Cancelled_while_the_firewall_drops_it_ends_and_leaves_nothing()
    {
        await using var loop = await ClientLoop();
        using var source = new CancellationTokenSource();
        var connecting = loop.TryConnectAsync(new IPEndPoint(NetworkNamespaces.Server, NetworkNamespaces.DroppedPort), source.Token).AsTask();
        await Until.True(() => loop.Counters.Registrations == 1);

        await source.CancelAsync();

        Assert.That((await connecting.Within()).Outcome, Is.EqualTo(ConnectOutcome.Canceled));
        Assert.That(loop.Counters.Registrations, Is.Zero);
    }

    [Test]
    public async Task All_situations_at_once_each_end_in_their_own_way()
    {
        await using var loop = await ClientLoop(new ConnectOptions { ConnectTimeout = TimeSpan.FromSeconds(6) });
        var sockets = Descriptors.Sockets();
        (IPEndPoint EndPoint, ConnectOutcome Outcome)[] situations =
        [
            (new(NetworkNamespaces.Server, NetworkNamespaces.ClosedPort), ConnectOutcome.Refused),
            (new(NetworkNamespaces.Server, NetworkNamespaces.ResetPort), ConnectOutcome.Refused),
            (new(NetworkNamespaces.Server, NetworkNamespaces.HostUnreachablePort), ConnectOutcome.Unreachable),
            (new(NetworkNamespaces.Server, NetworkNamespaces.NetUnreachablePort), ConnectOutcome.Unreachable),
            (new(NetworkNamespaces.Server6, NetworkNamespaces.ProhibitedPort), ConnectOutcome.Unreachable),
            // Not an absent neighbour: when its error meets a socket that is just being worked on, the kernel only notes it
            // and goes on sending SYNs, so that one of many may be told late.
            (new(NetworkNamespaces.WithoutRoute, 9), ConnectOutcome.Unreachable),
            (new(NetworkNamespaces.Server, NetworkNamespaces.DroppedPort), ConnectOutcome.TimedOut),
        ];

        var results = await Task.WhenAll(Enumerable.Repeat(situations, 50)
            .SelectMany(static all => all)
            .Select(async situation => (situation.Outcome, Result: await loop.TryConnectAsync(situation.EndPoint)))).Within();

        Assert.That(results.Select(static pair => (pair.Result.EndPoint, pair.Result.Outcome)), Is.EqualTo(results.Select(static pair => (pair.Result.EndPoint, pair.Outcome))));
        Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
        Assert.That(loop.Counters.Registrations, Is.Zero);
        Assert.That(loop.Counters.Timers, Is.Zero);
    }

    [Test]
    public async Task A_listener_of_a_loop_in_the_server_s_namespace_serves_the_client_s()
    {
        await using var server = await NetworkNamespaces.Enter(TestLoop.Start(), NetworkNamespaces.ServerName);
        await using var listener = await server.ListenAsync(new IPEndPoint(IPAddress.IPv6Any, 0), Handlers.Uppercase, new ListenOptions { IPv6Only = false }).Within();
        await using var client = await ClientLoop();
        var port = ((IPEndPoint)listener.LocalEndPoint).Port;

        foreach (var address in Servers)
        {
            await using var connection = await client.ConnectAsync(new IPEndPoint(address, port)).Within();
            await connection.Output.WriteAsync("across"u8.ToArray()).Within();
            var read = await connection.Input.ReadAtLeastAsync(6).Within();
            Assert.That(System.Buffers.BuffersExtensions.ToArray(read.Buffer), Is.EqualTo("ACROSS"u8.ToArray()));
            connection.Input.AdvanceTo(read.Buffer.End);
        }
    }

    private static async Task<EventLoop> ClientLoop(ConnectOptions? options = null) =>
        await NetworkNamespaces.Enter(TestLoop.Start(connect: options), NetworkNamespaces.ClientName);

    private static async Task<ConnectResult> Expect(IPEndPoint endPoint, ConnectOutcome outcome, Errno errno)
    {
        await using var loop = await ClientLoop();
        var sockets = Descriptors.Sockets();

        var result = await loop.TryConnectAsync(endPoint).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Outcome, Is.EqualTo(outcome));
            Assert.That(result.Errno, Is.EqualTo(errno));
            Assert.That(result.Syscall, Is.EqualTo("connect"));
            Assert.That(result.EndPoint, Is.EqualTo(endPoint));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That(loop.Counters.Registrations, Is.Zero);
            Assert.That(loop.Counters.Timers, Is.Zero);
        }

        return result;
    }
}
