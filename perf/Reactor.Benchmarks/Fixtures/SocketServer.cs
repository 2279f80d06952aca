using System.Net;
using System.Net.Sockets;

namespace Reactor.Benchmarks.Fixtures;

/// <summary>What serves one accepted <see cref="Socket"/>, which is closed afterwards.</summary>
internal delegate Task SocketHandler(Socket socket);

/// <summary>A server as one writes it over <see cref="Socket"/>: a task that accepts, and a task a connection.</summary>
internal sealed class SocketServer : IAsyncDisposable
{
    internal const int BufferBytes = 64 * 1024;

    private readonly Socket _listener;
    private readonly SocketHandler _handler;
    private readonly Task _accepting;

    internal SocketServer(Transport transport, SocketHandler handler)
    {
        var endPoint = transport.NewEndPoint();
        _handler = handler;
        _listener = NewSocket(endPoint);
        _listener.Bind(endPoint);
        _listener.Listen(backlog: 512);
        _accepting = AcceptAsync();
    }

    internal EndPoint LocalEndPoint => _listener.LocalEndPoint!;

    internal static Socket NewSocket(EndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        if (endPoint is IPEndPoint) socket.NoDelay = true;
        return socket;
    }

    /// <summary>A connection to it.</summary>
    internal async Task<Socket> DialAsync()
    {
        var socket = NewSocket(LocalEndPoint);
        await socket.ConnectAsync(LocalEndPoint);
        return socket;
    }

    /// <summary>Sends back what it receives.</summary>
    internal static async Task Echo(Socket socket)
    {
        var buffer = new byte[BufferBytes];
        while (await socket.ReceiveAsync(buffer.AsMemory()) is var received and > 0)
        {
            for (var sent = 0; sent < received;) sent += await socket.SendAsync(buffer.AsMemory(sent, received - sent));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptAsync());
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.OperationAborted)
        {
            // It was disposed.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            if (socket.LocalEndPoint is IPEndPoint) socket.NoDelay = true;
            await _handler(socket);
        }
    }
}
