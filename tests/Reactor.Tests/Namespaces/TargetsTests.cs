using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Addresses of a special kind as targets, on networks that are more than this machine.</summary>
[TestFixture]
[Category("Namespaces")]
public sealed class TargetsTests
{
    private NetworkNamespaces? _namespaces;

    [OneTimeSetUp]
    public void Build() => _namespaces = NetworkNamespaces.BuildOrSkip();

    [OneTimeTearDown]
    public void TearDown() => _namespaces?.Dispose();

    [Test]
    public async Task A_link_local_address_with_its_interface_by_name_or_by_number_is_connected()
    {
        await using var loop = await ClientLoop();
        using var listener = NetworkNamespaces.Inside(NetworkNamespaces.RouterName, static () => RawListener.Start(new IPEndPoint(IPAddress.IPv6Any, 0)));
        var number = NetworkNamespaces.InterfaceNumber(NetworkNamespaces.ClientName, NetworkNamespaces.ClientDevice);
        foreach (var scope in (string[])[NetworkNamespaces.ClientDevice, $"{number}"])
        {
            // Names are those of the namespace of the thread that looks them up.
            await using var connection = await loop.InvokeAsync(() => loop.ConnectAsync($"{NetworkNamespaces.RouterLinkLocal}%{scope}", listener.Port).AsTask()).Within();
            using var peer = listener.Accept();
            await connection.Output.WriteAsync("hello"u8.ToArray()).Within();

            Assert.That(peer.ReadText(5), Is.EqualTo("hello"));
            Assert.That(((IPEndPoint)connection.RemoteEndPoint!).Address.ScopeId, Is.EqualTo(number));
            Assert.That(((IPEndPoint)connection.LocalEndPoint!).Address.IsIPv6LinkLocal, Is.True);
            Assert.That(((IPEndPoint)connection.LocalEndPoint!).Address.ScopeId, Is.EqualTo(number));
        }
    }

    [Test]
    public async Task A_link_local_address_without_an_interface_is_EINVAL_and_with_a_device_that_is_it()
    {
        using var listener = NetworkNamespaces.Inside(NetworkNamespaces.RouterName, static () => RawListener.Start(new IPEndPoint(IPAddress.IPv6Any, 0)));
        var target = new IPEndPoint(NetworkNamespaces.RouterLinkLocal, listener.Port);
        await using var loop = await ClientLoop();

        var result = await loop.TryConnectAsync(target).Within();
        Assert.That((result.Outcome, result.Errno, result.Syscall), Is.EqualTo((ConnectOutcome.Failed, Errno.EINVAL, "connect")));

        await using var bound = await new Connector(loop, new ConnectOptions { Device = NetworkNamespaces.ClientDevice }).ConnectAsync(target).Within();
        using var peer = listener.Accept();
        Assert.That(((IPEndPoint)bound.LocalEndPoint!).Address.IsIPv6LinkLocal, Is.True);
    }

    [Test]
    public async Task A_scope_that_is_no_interface_here_is_the_caller_s_error()
    {
        await using var loop = await ClientLoop();

        var error = await Assert.ThrowsAsync<ArgumentException>(() => loop.InvokeAsync(() => loop.TryConnectAsync($"{NetworkNamespaces.RouterLinkLocal}%nosuch0", 9).AsTask()).Within());

        Assert.That(error!.Message, Does.Contain("nosuch0"));
    }

    [Test]
    public async Task A_link_local_listener_accepts_on_its_interface()
    {
        await using var router = await NetworkNamespaces.Enter(TestLoop.Start(), NetworkNamespaces.RouterName);
        await using var listener = await router.InvokeAsync(() => router.ListenAsync(IPEndPoint.Parse($"[{NetworkNamespaces.RouterLinkLocal}%to1]:0"), Handlers.Uppercase)).Within();
        await using var client = await ClientLoop();
        var port = ((IPEndPoint)listener.LocalEndPoint).Port;

        await using var connection = await client.InvokeAsync(() => client.ConnectAsync($"{NetworkNamespaces.RouterLinkLocal}%{NetworkNamespaces.ClientDevice}", port).AsTask()).Within();
        await connection.Output.WriteAsync("hello"u8.ToArray()).Within();
        var read = await connection.Input.ReadAtLeastAsync(5).Within();

        Assert.That(System.Buffers.BuffersExtensions.ToArray(read.Buffer), Is.EqualTo("HELLO"u8.ToArray()));
        connection.Input.AdvanceTo(read.Buffer.End);
    }

    public static readonly string[] NoSingleHost = ["10.77.1.255", "255.255.255.255", "224.0.0.1", "239.1.2.3", "ff02::1", "ff0e::77"];

    [TestCaseSource(nameof(NoSingleHost))]
    public async Task A_broadcast_or_multicast_address_is_unreachable_at_once(string address)
    {
        await using var loop = await ClientLoop();
        var sockets = Descriptors.Sockets();

        var result = await loop.TryConnectAsync(new IPEndPoint(IPAddress.Parse(address), 9)).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((result.Outcome, result.Errno, result.Syscall), Is.EqualTo((ConnectOutcome.Unreachable, Errno.ENETUNREACH, "connect")));
            Assert.That(result.Attempts[0].IsImmediate, Is.True);
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
        }
    }

    [Test]
    public async Task DontRoute_reaches_the_neighbour_and_not_what_is_behind_it()
    {
        await using var loop = await ClientLoop(new ConnectOptions { DontRoute = true });

        var neighbour = await loop.TryConnectAsync(new IPEndPoint(NetworkNamespaces.Router, NetworkNamespaces.ClosedPort)).Within();
        Assert.That(neighbour.Outcome, Is.EqualTo(ConnectOutcome.Refused), "It was there to say so.");

        var behind = await loop.TryConnectAsync(new IPEndPoint(NetworkNamespaces.Server, NetworkNamespaces.ClosedPort)).Within();
        Assert.That((behind.Outcome, behind.Errno, behind.Attempts[0].IsImmediate), Is.EqualTo((ConnectOutcome.Unreachable, Errno.ENETUNREACH, true)));
    }

    [Test]
    public async Task A_device_that_does_not_lead_there_does_not_reach_it()
    {
        await using var loop = await ClientLoop(new ConnectOptions { Device = NetworkNamespaces.ClientDevice, ConnectTimeout = TimeSpan.FromMilliseconds(300) });
        using var listener = NetworkNamespaces.Inside(NetworkNamespaces.ClientName, static () => RawListener.Start());
        using var server = NetworkNamespaces.Inside(NetworkNamespaces.ServerName, static () => RawListener.Start(new IPEndPoint(NetworkNamespaces.Server, 0)));

        await using (await new Connector(loop, new ConnectOptions { Device = NetworkNamespaces.ClientDevice }).ConnectAsync(server.LocalEndPoint).Within())
            server.Accept().Dispose();
        var result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(result.IsConnected, Is.False, "Loopback is not behind that cable.");
    }

    [Test]
    public async Task A_listener_of_one_device_is_not_reached_through_another()
    {
        await using var loop = await ClientLoop(new ConnectOptions { ConnectTimeout = TimeSpan.FromSeconds(5) });
        await using var listener = await loop.ListenAsync(new IPEndPoint(IPAddress.Any, 0), Handlers.Discard, new ListenOptions { Device = NetworkNamespaces.ClientDevice }).Within();
        await using var router = await NetworkNamespaces.Enter(TestLoop.Start(), NetworkNamespaces.RouterName);
        var port = ((IPEndPoint)listener.LocalEndPoint).Port;

        await using (await router.ConnectAsync("10.77.1.2", port).Within())
        {
            var result = await loop.TryConnectAsync("127.0.0.1", port).Within();
            Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Refused));
        }
    }

    [TestCase("10.77.2.2")]
    [TestCase("fd77:2::2")]
    [TestCase("::ffff:10.77.2.2")]
    public async Task Port_zero_is_refused_by_the_host_that_has_it(string address)
    {
        await using var loop = await ClientLoop();

        var result = await loop.TryConnectAsync(new IPEndPoint(IPAddress.Parse(address), 0)).Within();

        Assert.That((result.Outcome, result.Errno), Is.EqualTo((ConnectOutcome.Refused, Errno.ECONNREFUSED)));
    }

    [Test]
    public async Task A_host_listening_on_both_families_is_reached_by_each_and_by_the_mapped_one()
    {
        using var listener = NetworkNamespaces.Inside(NetworkNamespaces.ServerName, static () =>
        {
            var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
            socket.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
            socket.Listen();
            return socket;
        });
        await using var loop = await ClientLoop();
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;

        foreach (var address in (IPAddress[])[NetworkNamespaces.Server, NetworkNamespaces.Server6, NetworkNamespaces.Server.MapToIPv6()])
        {
            await using var connection = await loop.ConnectAsync(new IPEndPoint(address, port)).Within();
            using var peer = listener.Accept();
            Assert.That(connection.RemoteEndPoint, Is.EqualTo(new IPEndPoint(address, port)));
            Assert.That(((IPEndPoint)peer.RemoteEndPoint!).Port, Is.EqualTo(((IPEndPoint)connection.LocalEndPoint!).Port));
        }
    }

    private static async Task<EventLoop> ClientLoop(ConnectOptions? options = null) =>
        await NetworkNamespaces.Enter(TestLoop.Start(connect: options), NetworkNamespaces.ClientName);
}
