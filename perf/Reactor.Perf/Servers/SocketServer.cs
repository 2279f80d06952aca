using System.Net;
using System.Net.Sockets;

namespace Reactor.Perf.Servers;

/// <summary>One task a connection over <see cref="Socket"/>'s own async calls. The connection is its handler's to dispose of.</summary>
internal sealed class SocketServer : ILoopbackServer
{
    /// <summary>What a connection receives into.</summary>
    public const int BufferBytes = 64 * 1024;

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Func<Socket, Task> _handler;

    private SocketServer(int port, Func<Socket, Task> handler)
    {
        _handler = handler;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(backlog: 4096);
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public static Task<ILoopbackServer> StartAsync(int port, Func<Socket, Task> handler) =>
        Task.FromResult<ILoopbackServer>(new SocketServer(port, handler));

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        while (true)
            _ = _handler(await _listener.AcceptAsync());
    }
}
