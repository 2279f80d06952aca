using System.Net;

namespace Reactor.Perf.Servers;

/// <summary>A handler of connections on one loop of Reactor's.</summary>
internal sealed class ReactorServer : ILoopbackServer
{
    private readonly EventLoop _loop;
    private readonly Listener _listener;

    private ReactorServer(EventLoop loop, Listener listener) => (_loop, _listener) = (loop, listener);

    public int Port => ((IPEndPoint)_listener.LocalEndPoint).Port;

    /// <summary>The loop is the server's from here on.</summary>
    public static async Task<ILoopbackServer> StartAsync(int port, EventLoop loop, ConnectionHandler handler, ListenOptions? options = null) =>
        new ReactorServer(loop, await loop.ListenAsync(new IPEndPoint(IPAddress.Loopback, port), handler, options));

    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        await _loop.DisposeAsync();
    }
}
