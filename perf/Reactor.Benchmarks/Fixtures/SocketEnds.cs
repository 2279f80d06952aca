using System.Net.Sockets;

namespace Reactor.Benchmarks.Fixtures;

/// <summary>Both ends of one connection as asynchronous sockets: a dialled one, and an echo.</summary>
internal sealed class SocketEnds : IAsyncDisposable
{
    private readonly SocketServer _server;
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[SocketServer.BufferBytes];

    private SocketEnds(SocketServer server, Socket socket) => (_server, _socket) = (server, socket);

    internal static async Task<SocketEnds> MakeAsync(Transport transport)
    {
        var server = new SocketServer(transport, SocketServer.Echo);
        return new SocketEnds(server, await server.DialAsync());
    }

    /// <summary>Sends <paramref name="deep"/> messages and reads as many back, again and again.</summary>
    internal async Task ExchangeAsync(ReadOnlyMemory<byte> message, int deep, int times)
    {
        for (var i = 0; i < times; i++)
        {
            for (var j = 0; j < deep; j++)
            {
                for (var sent = 0; sent < message.Length;) sent += await _socket.SendAsync(message[sent..]);
            }

            for (var left = deep * message.Length; left > 0;)
            {
                var received = await _socket.ReceiveAsync(_buffer.AsMemory());
                if (received == 0) throw new EndOfStreamException("The peer closed the connection.");
                left -= received;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _server.DisposeAsync();
    }
}
