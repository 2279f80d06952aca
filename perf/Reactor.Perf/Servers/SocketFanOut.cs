using System.Net.Sockets;

namespace Reactor.Perf.Servers;

/// <summary>Whatever comes from one connection goes to all, the sender too, over <see cref="Socket"/>.</summary>
internal static class SocketFanOut
{
    public static Task<ILoopbackServer> StartAsync(int port)
    {
        var receivers = new Receivers();
        return SocketServer.StartAsync(port, socket => ServeAsync(socket, receivers));
    }

    private static async Task ServeAsync(Socket socket, Receivers receivers)
    {
        using var owned = socket;
        socket.NoDelay = true;
        var self = receivers.Join(message => SendAsync(socket, message), socket.Dispose);
        try
        {
            var buffer = new byte[SocketServer.BufferBytes];
            while (true)
            {
                var received = await socket.ReceiveAsync(buffer.AsMemory());
                if (received == 0)
                    return;
                receivers.Send(buffer.AsSpan(0, received).ToArray());
            }
        }
        finally
        {
            receivers.Leave(self);
        }
    }

    private static async ValueTask SendAsync(Socket socket, ReadOnlyMemory<byte> message)
    {
        while (message.Length > 0)
            message = message[await socket.SendAsync(message)..];
    }
}
