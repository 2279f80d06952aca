using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Reactor.Examples;

namespace Reactor.Perf.Servers;

/// <summary>The proxy of <c>examples/TcpProxy</c> on one loop, with the limits that it has there.</summary>
internal static class ReactorProxy
{
    public static Task<ILoopbackServer> StartAsync(int port, int upstream)
    {
        var idleTime = TimeSpan.FromMinutes(10);
        var accepting = new ListenOptions { IdleTimeout = idleTime, CloseTimeout = Timeout.InfiniteTimeSpan };
        var dialling = new ConnectOptions { IdleTimeout = idleTime, CloseTimeout = Timeout.InfiniteTimeSpan };
        var proxy = new TcpProxy(new IPEndPoint(IPAddress.Loopback, upstream), NullLogger.Instance);
        return ReactorServer.StartAsync(port, EventLoop.Start(new EventLoopOptions { Connect = dialling }), proxy.ServeAsync, accepting);
    }
}
