using System.Net;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Source addresses whose ports are used up: in a namespace in which four ports are all there are.</summary>
[TestFixture]
[Category("Namespaces")]
public sealed class SourcePortTests
{
    private const int Ports = 4;

    private static readonly IPAddress One = IPAddress.Parse("127.0.0.2");
    private static readonly IPAddress Other = IPAddress.Parse("127.0.0.3");

    private NetworkNamespaces? _namespaces;
    private RawListener _listener = null!;
    private RawListener _second = null!;

    [OneTimeSetUp]
    public void Build()
    {
        _namespaces = NetworkNamespaces.BuildOrSkip();
        _listener = NetworkNamespaces.Inside(NetworkNamespaces.ClientName, static () => RawListener.Start(new IPEndPoint(IPAddress.Loopback, 7201)));
        _second = NetworkNamespaces.Inside(NetworkNamespaces.ClientName, static () => RawListener.Start(new IPEndPoint(IPAddress.Loopback, 7202)));
        NetworkNamespaces.Set(NetworkNamespaces.ClientName, "net.ipv4.ip_local_port_range", "40000 40003");
    }

    [OneTimeTearDown]
    public void TearDown()
    {
        _listener?.Dispose();
        _second?.Dispose();
        _namespaces?.Dispose();
    }

    [Test]
    public async Task Two_targets_share_the_local_ports_of_one_source()
    {
        await using var loop = await Loop(One);

        var connections = await DialAll(loop.Connector, _listener, Ports);
        connections.AddRange(await DialAll(loop.Connector, _second, Ports));

        var ports = connections.Select(static connection => ((IPEndPoint)connection.LocalEndPoint!).Port).ToList();
        Assert.That(ports[..Ports], Is.EquivalentTo(Enumerable.Range(40_000, Ports)));
        Assert.That(ports[Ports..], Is.EquivalentTo(Enumerable.Range(40_000, Ports)), "The same ports once more, to another target.");
        await EndAll(connections);
    }

    [Test]
    public async Task One_whose_ports_are_used_up_is_passed_over_for_the_next()
    {
        await using var loop = await Loop(One, Other);
        var connections = await DialAll(new Connector(loop, From(One)), _listener, Ports);

        var rest = await DialAll(loop.Connector, _listener, Ports);

        Assert.That(rest.Select(static connection => ((IPEndPoint)connection.LocalEndPoint!).Address), Is.All.EqualTo(Other));
        await EndAll([.. connections, .. rest]);
    }

    [Test]
    public async Task With_all_used_up_the_dial_ends_once_names_the_call_and_leaves_nothing()
    {
        await using var loop = await Loop(One, Other);
        var connections = await DialAll(loop.Connector, _listener, 2 * Ports);
        var sockets = Descriptors.Sockets();

        var result = await loop.TryConnectAsync(_listener.LocalEndPoint).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((result.Outcome, result.Errno, result.Syscall), Is.EqualTo((ConnectOutcome.AddressUnavailable, Errno.EADDRNOTAVAIL, "connect")));
            Assert.That(result.Attempts, Has.Count.EqualTo(1));
            Assert.That(result.Attempts[0].IsImmediate, Is.True);
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That(connections.Select(static connection => connection.LocalEndPoint).Distinct().Count(), Is.EqualTo(2 * Ports));
        }

        await EndAll(connections);
        await EndAll(await DialAll(loop.Connector, _listener, 2 * Ports));
    }

    [Test]
    public async Task A_retry_waits_for_a_port_to_come_free()
    {
        await using var loop = await Loop(One);
        var connections = await DialAll(loop.Connector, _listener, Ports);
        var connector = new Connector(loop, From(One) with
        {
            Retry = new ConnectRetryOptions
            {
                InitialDelay = TimeSpan.FromTicks(1),
                ShouldRetry = result =>
                {
                    connections[0].Abort();
                    return ConnectRetryOptions.IsTransient(result);
                },
            },
        });
        var freed = ((IPEndPoint)connections[0].LocalEndPoint!).Port;

        var result = await connector.TryConnectAsync(_listener.LocalEndPoint).Within();

        Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.EqualTo([ConnectOutcome.AddressUnavailable, ConnectOutcome.Connected]));
        Assert.That(((IPEndPoint)result.LocalEndPoint!).Port, Is.EqualTo(freed));
        await EndAll([.. connections, result.Connection!]);
    }

    private static ConnectOptions From(params IPAddress[] sources) => new() { LocalEndPoints = [.. sources.Select(static source => new IPEndPoint(source, 0))] };

    private static async Task<EventLoop> Loop(params IPAddress[] sources) =>
        await NetworkNamespaces.Enter(TestLoop.Start(connect: From(sources)), NetworkNamespaces.ClientName);

    private static async Task<List<Connection>> DialAll(Connector connector, RawListener listener, int count)
    {
        var connections = new List<Connection>();
        for (var i = 0; i < count; i++)
            connections.Add(await connector.ConnectAsync(listener.LocalEndPoint).Within());
        return connections;
    }

    // A reset leaves no TIME_WAIT, so the ports are free at once.
    private static async Task EndAll(List<Connection> connections)
    {
        foreach (var connection in connections)
        {
            connection.Abort();
            await connection.CloseAsync().Within();
        }
    }
}
