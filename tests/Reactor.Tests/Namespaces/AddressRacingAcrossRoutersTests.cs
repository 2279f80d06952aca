using System.Net;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A name with addresses of both families, and a network on which one of them does not work.</summary>
[TestFixture]
[Category("Namespaces")]
public sealed class AddressRacingAcrossRoutersTests
{
    private static readonly IPAddress[] Both = [NetworkNamespaces.Server6, NetworkNamespaces.Server];

    private NetworkNamespaces? _namespaces;
    private RawListener _listener = null!;
    private RawListener _listener6 = null!;

    [OneTimeSetUp]
    public void Build()
    {
        _namespaces = NetworkNamespaces.BuildOrSkip();
        _listener = NetworkNamespaces.Inside(NetworkNamespaces.ServerName, static () => RawListener.Start(new IPEndPoint(NetworkNamespaces.Server, NetworkNamespaces.BrokenIPv6Port)));
        _listener6 = NetworkNamespaces.Inside(NetworkNamespaces.ServerName, static () => RawListener.Start(new IPEndPoint(NetworkNamespaces.Server6, NetworkNamespaces.BrokenIPv6Port)));
    }

    [OneTimeTearDown]
    public void TearDown()
    {
        _listener?.Dispose();
        _listener6?.Dispose();
        _namespaces?.Dispose();
    }

    [Test]
    public async Task Where_IPv6_is_dropped_the_name_is_connected_over_IPv4_after_the_delay()
    {
        await using var loop = await ClientLoop();
        var sockets = Descriptors.Sockets();

        var result = await Resolving(loop, new ConnectOptions(), Both).TryConnectAsync("server", NetworkNamespaces.BrokenIPv6Port).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
            Assert.That(result.EndPoint, Is.EqualTo(_listener.LocalEndPoint));
            Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(250)).And.LessThan(TimeSpan.FromSeconds(10)));
            Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.EqualTo([ConnectOutcome.Canceled, ConnectOutcome.Connected]));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets + 1));
        }

        await End(result, _listener);
    }

    [Test]
    public async Task Where_there_is_no_route_for_IPv6_the_name_is_connected_over_IPv4_at_once()
    {
        await using var loop = await ClientLoop();
        var options = new ConnectOptions { AttemptDelay = TimeSpan.FromHours(1) };

        var result = await Resolving(loop, options, NetworkNamespaces.WithoutRoute6, NetworkNamespaces.Server).TryConnectAsync("server", NetworkNamespaces.BrokenIPv6Port).Within();

        Assert.That(result.Attempts.Select(static attempt => (attempt.Outcome, attempt.Errno, attempt.IsImmediate)), Is.EqualTo(
            [(ConnectOutcome.Unreachable, Errno.ENETUNREACH, true), (ConnectOutcome.Connected, Errno.None, false)]));
        await End(result, _listener);
    }

    [Test]
    public async Task Where_a_firewall_answers_for_IPv6_the_name_is_connected_over_IPv4_at_once()
    {
        await using var loop = await ClientLoop();
        var options = new ConnectOptions { AttemptDelay = TimeSpan.FromHours(1) };
        using var listener = NetworkNamespaces.Inside(NetworkNamespaces.RouterName, static () => RawListener.Start(new IPEndPoint(NetworkNamespaces.Router, NetworkNamespaces.HostUnreachablePort)));

        var result = await Resolving(loop, options, NetworkNamespaces.Server6, NetworkNamespaces.Router).TryConnectAsync("server", NetworkNamespaces.HostUnreachablePort).Within();

        Assert.That(result.Attempts.Select(static attempt => (attempt.Outcome, attempt.Errno)), Is.EqualTo(
            [(ConnectOutcome.Unreachable, Errno.EHOSTUNREACH), (ConnectOutcome.Connected, Errno.None)]));
        await End(result, listener);
    }

    [Test]
    public async Task Where_both_are_dropped_the_deadline_ends_both()
    {
        await using var loop = await ClientLoop();
        var options = new ConnectOptions { ConnectTimeout = TimeSpan.FromMilliseconds(600) };
        var sockets = Descriptors.Sockets();

        var result = await Resolving(loop, options, Both).TryConnectAsync("server", NetworkNamespaces.DroppedPort).Within();

        Assert.That((result.Outcome, result.Errno), Is.EqualTo((ConnectOutcome.TimedOut, Errno.None)));
        Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(options.ConnectTimeout));
        Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.EqualTo([ConnectOutcome.TimedOut, ConnectOutcome.TimedOut]));
        Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
    }

    [Test]
    public async Task Every_address_that_fails_in_its_own_way_is_listed_and_the_last_that_works_is_connected()
    {
        await using var loop = await ClientLoop();
        IPAddress[] addresses = [NetworkNamespaces.Server6, NetworkNamespaces.WithoutRoute, NetworkNamespaces.WithoutRoute6, NetworkNamespaces.Router, NetworkNamespaces.AbsentNeighbour6, NetworkNamespaces.Server];

        var result = await Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(20) }, addresses).TryConnectAsync("server", NetworkNamespaces.BrokenIPv6Port).Within();

        Assert.That(result.Attempts.Select(static attempt => ((IPEndPoint)attempt.EndPoint).Address), Is.EqualTo(addresses));
        Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.EqualTo(
        [
            ConnectOutcome.Canceled, ConnectOutcome.Unreachable, ConnectOutcome.Unreachable, ConnectOutcome.Refused, ConnectOutcome.Canceled, ConnectOutcome.Connected,
        ]));
        await End(result, _listener);
    }

    private static async Task<EventLoop> ClientLoop() => await NetworkNamespaces.Enter(TestLoop.Start(), NetworkNamespaces.ClientName);

    private static Connector Resolving(EventLoop loop, ConnectOptions options, params IPAddress[] addresses) =>
        new(loop, options) { Resolve = (_, _) => Task.FromResult(addresses) };

    private static async Task End(ConnectResult result, RawListener listener)
    {
        using var peer = listener.Accept();
        await result.Connection!.Output.WriteAsync("hello"u8.ToArray()).Within();
        Assert.That(peer.ReadText(5), Is.EqualTo("hello"));
        await result.Connection.CloseAsync().Within();
    }
}
