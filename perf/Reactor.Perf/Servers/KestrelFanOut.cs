using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Reactor.Perf.Servers;

/// <summary>Whatever comes from one connection goes to all, the sender too, on Kestrel's socket transport.</summary>
internal static class KestrelFanOut
{
    public static Task<ILoopbackServer> StartAsync(int port, bool inline)
    {
        var receivers = new Receivers();
        return KestrelServer.StartAsync(port, inline, connection => ServeAsync(connection, receivers));
    }

    private static async Task ServeAsync(ConnectionContext connection, Receivers receivers)
    {
        var self = receivers.Join(message => SendAsync(connection, message), connection.Abort);
        try
        {
            var input = connection.Transport.Input;
            while (true)
            {
                var result = await input.ReadAsync();
                if (!result.Buffer.IsEmpty)
                    receivers.Send(result.Buffer.ToArray());
                input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted || result.IsCanceled)
                    return;
            }
        }
        finally
        {
            receivers.Leave(self);
        }
    }

    private static async ValueTask SendAsync(ConnectionContext connection, ReadOnlyMemory<byte> message) =>
        await connection.Transport.Output.WriteAsync(message);
}
