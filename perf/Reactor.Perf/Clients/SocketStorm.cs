using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Reactor.Perf.Clients;

/// <summary>As many tasks as connects may be under way, each of which awaits one <see cref="Socket.ConnectAsync(EndPoint)"/> after the other.</summary>
internal sealed class SocketStorm(int count) : IStormClient
{
    private readonly Socket?[] _sockets = new Socket?[count];
    private int _begun;

    public Task OpenAllAsync(StormPlan plan, StormTally tally)
    {
        _begun = 0;
        return Task.WhenAll(Enumerable.Range(0, plan.InFlight).Select(_ => DialAsync(plan.Target, tally)));
    }

    public Task ResetAllAsync()
    {
        foreach (var socket in _sockets)
        {
            if (socket is null)
                continue;
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
            socket.Dispose();
        }

        Array.Clear(_sockets);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task DialAsync(IPEndPoint target, StormTally tally)
    {
        while (true)
        {
            var index = Interlocked.Increment(ref _begun) - 1;
            if (index >= _sockets.Length)
                return;
            var since = Stopwatch.GetTimestamp();
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(target);
                _sockets[index] = socket;
                tally.Connected(index, since);
            }
            catch (SocketException e)
            {
                socket.Dispose();
                tally.Failed(e.Message);
            }
        }
    }
}
