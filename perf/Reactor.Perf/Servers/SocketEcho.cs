using System.Net;
using System.Net.Sockets;

namespace Reactor.Perf.Servers;

/// <summary>One task a connection over <see cref="Socket"/>'s own async calls.</summary>
internal sealed class SocketEcho : IEchoServer
{
    private const int BufferBytes = 64 * 1024;

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    private SocketEcho(int port)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(backlog: 4096);
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public static Task<IEchoServer> StartAsync(int port) => Task.FromResult<IEchoServer>(new SocketEcho(port));

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        while (true)
            _ = EchoAsync(await _listener.AcceptAsync());
    }

    private static async Task EchoAsync(Socket socket)
    {
        using var owned = socket;
        socket.NoDelay = true;
        var buffer = new byte[BufferBytes];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory());
            if (received == 0)
                return;
            for (var sent = 0; sent < received;)
                sent += await socket.SendAsync(buffer.AsMemory(sent, received - sent));
        }
    }
}
