using System.Diagnostics;
using System.Net;

namespace Reactor.Perf.Clients;

/// <summary>As many tasks on the loop as connects may be under way, each of which dials until none is left.</summary>
internal sealed class ReactorStorm(int count) : IStormClient
{
    private readonly EventLoop _loop = EventLoop.Start();
    private readonly Connection?[] _connections = new Connection?[count];

    // On the loop only, as the tally.
    private int _begun;

    public Task OpenAllAsync(StormPlan plan, StormTally tally)
    {
        _begun = 0;
        return _loop.InvokeAsync(() => Task.WhenAll(Enumerable.Range(0, plan.InFlight).Select(_ => DialAsync(plan.Target, tally))));
    }

    public Task ResetAllAsync() => _loop.InvokeAsync(() =>
    {
        foreach (var connection in _connections)
            connection?.Abort();
        Array.Clear(_connections);
    });

    public ValueTask DisposeAsync() => _loop.DisposeAsync();

    private async Task DialAsync(IPEndPoint target, StormTally tally)
    {
        while (_begun < _connections.Length)
        {
            var index = _begun++;
            var since = Stopwatch.GetTimestamp();
            var result = await _loop.TryConnectAsync(target);
            _connections[index] = result.Connection;
            if (result.IsConnected)
                tally.Connected(index, since);
            else
                tally.Failed(result.ToString());
        }
    }
}
