using System.Net.Sockets;

namespace Reactor.Perf.Servers;

/// <summary>An echo over <see cref="Socket"/>; with timers each connection has one that closes it when it is idle.</summary>
internal static class SocketEcho
{
    public static Task<ILoopbackServer> StartAsync(int port, int? timers)
    {
        PendingTimers.StartFar(timers ?? 0);
        return SocketServer.StartAsync(port, timers is null ? static socket => EchoAsync(socket, idle: null) : EchoWithTimerAsync);
    }

    private static async Task EchoWithTimerAsync(Socket socket)
    {
        await using var idle = PendingTimers.StartIdle(socket.Dispose);
        await EchoAsync(socket, idle);
    }

    private static async Task EchoAsync(Socket socket, Timer? idle)
    {
        using var owned = socket;
        socket.NoDelay = true;
        var buffer = new byte[SocketServer.BufferBytes];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory());
            if (received == 0)
                return;
            if (idle is not null)
                PendingTimers.PutOff(idle);
            for (var sent = 0; sent < received;)
                sent += await socket.SendAsync(buffer.AsMemory(sent, received - sent));
        }
    }
}
