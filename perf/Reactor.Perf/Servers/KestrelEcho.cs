using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Reactor.Perf.Servers;

/// <summary>An echo on Kestrel's socket transport; with timers each connection has one that closes it when it is idle.</summary>
internal static class KestrelEcho
{
    public static Task<ILoopbackServer> StartAsync(int port, bool inline, int? timers)
    {
        PendingTimers.StartFar(timers ?? 0);
        return KestrelServer.StartAsync(port, inline, timers is null ? static connection => EchoAsync(connection, idle: null) : EchoWithTimerAsync);
    }

    private static async Task EchoWithTimerAsync(ConnectionContext connection)
    {
        await using var idle = PendingTimers.StartIdle(connection.Abort);
        await EchoAsync(connection, idle);
    }

    private static async Task EchoAsync(ConnectionContext connection, Timer? idle)
    {
        var input = connection.Transport.Input;
        var output = connection.Transport.Output;
        while (true)
        {
            var result = await input.ReadAsync();
            if (idle is not null)
                PendingTimers.PutOff(idle);

            // A large message lies in several of the transport's blocks: all are written, then flushed once.
            foreach (var memory in result.Buffer)
                output.Write(memory.Span);
            if (!result.Buffer.IsEmpty)
                await output.FlushAsync();

            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted || result.IsCanceled)
                return;
        }
    }
}
