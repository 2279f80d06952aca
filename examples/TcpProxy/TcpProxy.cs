using System.IO.Pipelines;
using System.Net;
using Microsoft.Extensions.Logging;

namespace Reactor.Examples;

/// <summary>
/// Relays between each client and an upstream server, which is dialled on the client's own loop. Whatever ends one side ends
/// the other in the same way: a FIN, behind the last byte, ends one direction and the other goes on; a reset ends both.
/// </summary>
/// <param name="upstream">The server to dial.</param>
/// <param name="log">Told of clients for whom the upstream could not be had.</param>
internal sealed class TcpProxy(EndPoint upstream, ILogger log)
{
    private static readonly Action<ILogger, EndPoint?, ConnectResult, Exception?> _logNoUpstream =
        LoggerMessage.Define<EndPoint?, ConnectResult>(LogLevel.Warning, new EventId(1), "{Client} is reset: {Dial}");

    /// <summary>The handler for <see cref="EventLoop.ListenAsync(EndPoint, ConnectionHandler, ListenOptions?, CancellationToken)"/>.</summary>
    public async Task ServeAsync(Connection client)
    {
        // Nothing is dialled any more on a loop that stops.
        if (client.Loop.Stopping.IsCancellationRequested)
        {
            client.Abort();
            return;
        }

        // A client that gives up takes its dial along. What it sends meanwhile waits in the kernel.
        var dial = await client.Loop.TryConnectAsync(upstream, client.Closed);
        if (dial.Connection is null)
        {
            if (dial.Outcome != ConnectOutcome.Canceled) _logNoUpstream(log, client.RemoteEndPoint, dial, null);
            client.Abort();
            return;
        }

        await using var server = dial.Connection;
        await Task.WhenAll(RelayAsync(client, server), RelayAsync(server, client));
    }

    private static async Task RelayAsync(Connection from, Connection to)
    {
        try
        {
            ReadResult read;
            do
            {
                // A write waits while its receiver does not read; then nothing is read here either, and TCP slows the sender.
                read = await from.Input.ReadAsync();
                foreach (var segment in read.Buffer) await to.Output.WriteAsync(segment);
                from.Input.AdvanceTo(read.Buffer.End);
            }
            while (!read.IsCompleted);

            // A stopping loop ends the input in mid-stream. A FIN would pass off the part for the whole.
            from.Loop.Stopping.ThrowIfCancellationRequested();
            to.ShutdownSend();
        }
        catch
        {
            // Ends the other direction as well, which may be waiting.
            from.Abort();
            to.Abort();
            throw;
        }
    }
}
