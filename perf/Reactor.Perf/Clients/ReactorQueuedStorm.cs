using System.Diagnostics;
using System.Net;

namespace Reactor.Perf.Clients;

/// <summary>All dials at once, and <see cref="ConnectOptions.MaxInFlight"/> lets them begin.</summary>
internal sealed class ReactorQueuedStorm : IStormClient
{
    private readonly EventLoop _loop = EventLoop.Start();
    private readonly Connector _connector;
    private readonly Connection?[] _connections;

    public ReactorQueuedStorm(int count, int inFlight)
    {
        _connector = new Connector(_loop, new ConnectOptions { MaxInFlight = inFlight });
        _connections = new Connection?[count];
    }

    public Task OpenAllAsync(StormPlan plan, StormTally tally) =>
        _loop.InvokeAsync(() => Task.WhenAll(Enumerable.Range(0, plan.Count).Select(index => DialAsync(index, plan.Target, tally))));

    public Task ResetAllAsync() => _loop.InvokeAsync(() =>
    {
        foreach (var connection in _connections)
            connection?.Abort();
        Array.Clear(_connections);
    });

    public ValueTask DisposeAsync() => _loop.DisposeAsync();

    // The wait for a place is no part of the connect, but nobody outside the connector sees when it is over.
    private async Task DialAsync(int index, IPEndPoint target, StormTally tally)
    {
        var result = await _connector.TryConnectAsync(target);
        _connections[index] = result.Connection;
        if (result.IsConnected)
            tally.Connected(index, Stopwatch.GetTimestamp() - (result.Elapsed.Ticks * TimeSpan.NanosecondsPerTick));
        else
            tally.Failed(result.ToString());
    }
}
