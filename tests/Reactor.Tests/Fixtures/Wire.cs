using System.Net;
using System.Text;

namespace Reactor.Tests.Fixtures;

/// <summary>One connection of a loop, with a scripted peer at its other end.</summary>
internal sealed class Wire : IAsyncDisposable
{
    private Wire(EventLoop loop, Connection connection, RawPeer peer)
    {
        Loop = loop;
        Connection = connection;
        Peer = peer;
    }

    public EventLoop Loop { get; }

    public Connection Connection { get; }

    public RawPeer Peer { get; }

    /// <summary>A loop of its own, which dials the peer.</summary>
    public static async Task<Wire> Dial(Kernel? kernel = null, ConnectOptions? options = null, LogRecorder? log = null, EndPoint? at = null, int? peerReceiveBuffer = null)
    {
        var loop = TestLoop.Start(kernel, options, log);
        try
        {
            using var listener = RawListener.Start(at, receiveBuffer: peerReceiveBuffer);
            var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
            return new Wire(loop, connection, listener.Accept());
        }
        catch
        {
            await loop.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs the test's part on the loop, as a handler would be, or right here, as any other code that has a connection.</summary>
    public Task Run(bool onLoop, Func<Task> part) => (onLoop ? Loop.InvokeAsync(part) : part()).Within();

    public async Task<string> ReadText(int count)
    {
        var read = await Connection.Input.ReadAtLeastAsync(count).Within();
        var text = Encoding.Latin1.GetString(read.Buffer.Slice(0, Math.Min(count, read.Buffer.Length)));
        Connection.Input.AdvanceTo(read.Buffer.GetPosition(text.Length));
        return text;
    }

    /// <summary>Done when the loop has been round and has told everybody what it had to tell.</summary>
    public Task Settled() => Loop.Settled();

    public async ValueTask DisposeAsync()
    {
        Peer.Dispose();
        await Connection.CloseAsync().Within();
        await Loop.DisposeAsync().Within();
    }
}
