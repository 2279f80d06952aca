using System.Net;

namespace Reactor.Tests.Fixtures;

/// <summary>Both ends of one connection on one loop: the dialled one and the accepted one.</summary>
internal sealed class ConnectedPair : IAsyncDisposable
{
    private readonly EventLoop _loop;
    private readonly TaskCompletionSource _held;

    private ConnectedPair(EventLoop loop, Connection dialled, Connection accepted, TaskCompletionSource held)
    {
        _loop = loop;
        Dialled = dialled;
        Accepted = accepted;
        _held = held;
    }

    public Connection Dialled { get; }

    public Connection Accepted { get; }

    public static async Task<ConnectedPair> Make(EndPoint at, ConnectOptions? connect = null, ListenOptions? listen = null, Func<EndPoint, EndPoint>? target = null)
    {
        if (at.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6)
            Loopback.NeedIPv6OrSkip();
        var loop = TestLoop.Start(connect: connect);
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            var accepted = new TaskCompletionSource<Connection>(TaskCreationOptions.RunContinuationsAsynchronously);
            var listener = await loop.ListenAsync(at, connection =>
            {
                accepted.SetResult(connection);
                return held.Task;
            }, listen).Within();
            var dialled = await loop.ConnectAsync(target?.Invoke(listener.LocalEndPoint) ?? listener.LocalEndPoint).Within();
            return new ConnectedPair(loop, dialled, await accepted.Task.Within(), held);
        }
        catch
        {
            held.TrySetResult();
            await loop.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _held.TrySetResult();
        Dialled.Abort();
        await _loop.DisposeAsync().Within();
    }
}
