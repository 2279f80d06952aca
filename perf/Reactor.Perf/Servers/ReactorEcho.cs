using System.Net;

namespace Reactor.Perf.Servers;

/// <summary>Reactor's own echo handler on one loop.</summary>
internal sealed class ReactorEcho : IEchoServer
{
    private readonly EventLoop _loop;
    private readonly Listener _listener;

    private ReactorEcho(EventLoop loop, Listener listener) => (_loop, _listener) = (loop, listener);

    public int Port => ((IPEndPoint)_listener.LocalEndPoint).Port;

    public static async Task<IEchoServer> StartAsync(int port, TimeSpan spinTime = default)
    {
        var loop = EventLoop.Start(new EventLoopOptions { SpinTime = spinTime });
        var listener = await loop.ListenAsync(new IPEndPoint(IPAddress.Loopback, port), Handlers.Echo);
        return new ReactorEcho(loop, listener);
    }

    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        await _loop.DisposeAsync();
    }
}
