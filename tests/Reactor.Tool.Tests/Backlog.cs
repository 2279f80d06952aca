using System.Net.Sockets;

namespace Reactor.Tool.Tests;

/// <summary>Fills a listener's backlog, after which the kernel drops every further SYN, as a dead host would.</summary>
internal sealed class Backlog : IDisposable
{
    private readonly List<Socket> _sockets = [];

    public static async Task<Backlog> FillAsync(Socket listener, CancellationToken deadline)
    {
        var backlog = new Backlog();
        while (true)
        {
            var socket = new Socket(listener.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            backlog._sockets.Add(socket);
            // One that does not get through has met a full backlog; on loopback the others take microseconds.
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(deadline);
            patience.CancelAfter(TimeSpan.FromSeconds(1));
            try
            {
                await socket.ConnectAsync(listener.LocalEndPoint!, patience.Token);
            }
            catch (OperationCanceledException) when (!deadline.IsCancellationRequested)
            {
                return backlog;
            }
        }
    }

    public void Dispose() => _sockets.ForEach(static socket => socket.Dispose());
}
