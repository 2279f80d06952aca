using System.Net;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A dial by name whose timeout is longer than what the runtime's own waits take: 24 days, or 49.</summary>
[TestFixture]
public sealed class LongConnectTimeoutTests
{
    public static readonly TimeSpan[] Timeouts = [TimeSpan.FromDays(24), TimeSpan.FromDays(25), TimeSpan.FromDays(60), TimeSpan.FromDays(1_000_000), TimeSpan.MaxValue];

    [TestCaseSource(nameof(Timeouts))]
    public async Task A_name_is_resolved_and_dialled(TimeSpan timeout)
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();
        var resolved = new TaskCompletionSource<IPAddress[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        var connector = new Connector(loop, new ConnectOptions { ConnectTimeout = timeout }) { Resolve = (_, _) => resolved.Task };
        var connecting = connector.TryConnectAsync("slow", listener.Port).AsTask();
        await loop.Settled();
        Assert.That(connecting.IsCompleted, Is.False, "It waits for the resolver.");

        resolved.SetResult([IPAddress.Loopback]);

        var result = await connecting.Within();
        Assert.That((result.Outcome, result.ResolveException), Is.EqualTo((ConnectOutcome.Connected, (Exception?)null)));
        await result.Connection!.CloseAsync().Within();
    }

    [TestCaseSource(nameof(Timeouts))]
    public async Task Each_of_several_addresses_has_its_share(TimeSpan timeout)
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();
        using var refusing = new PortReservation(new IPEndPoint(IPAddress.Parse("127.0.0.9"), listener.Port));
        var connector = new Connector(loop, new ConnectOptions { ConnectTimeout = timeout })
        {
            Resolve = (_, _) => Task.FromResult<IPAddress[]>([refusing.EndPoint.Address, IPAddress.Loopback]),
        };

        var result = await connector.TryConnectAsync("both", listener.Port).Within();

        Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.EqualTo([ConnectOutcome.Refused, ConnectOutcome.Connected]));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task The_system_s_resolver_is_waited_for_however_long_the_timeout()
    {
        await using var loop = TestLoop.Start(connect: new ConnectOptions { ConnectTimeout = TimeSpan.MaxValue });
        using var listener = RawListener.Start();

        await using var connection = await loop.ConnectAsync("localhost", listener.Port).Within();

        Assert.That(connection.RemoteEndPoint, Is.EqualTo(listener.LocalEndPoint));
    }
}
