using System.Net;
using System.Net.Sockets;

namespace Reactor.Tool;

/// <summary>What a load dials: a server of its own, on a loop of its own, or one that is there already.</summary>
internal sealed class LoadTarget : IAsyncDisposable
{
    /// <summary>Where the own server listens, unless the port is taken.</summary>
    public static readonly IPEndPoint OwnAddress = new(IPAddress.Loopback, 9523);

    private static readonly TimeSpan _resolveTimeout = TimeSpan.FromSeconds(15);

    private readonly EventLoop? _server;

    private LoadTarget(EndPoint endPoint, string name, EventLoop? server) => (EndPoint, Name, _server) = (endPoint, name, server);

    public EndPoint EndPoint { get; }

    public string Name { get; }

    /// <summary>Starts the uppercase server.</summary>
    public static async Task<LoadTarget> StartOwnAsync()
    {
        var server = EventLoop.Start(new EventLoopOptions { Name = "server" });
        try
        {
            var listener = await ListenAsync(server);
            var address = AddressArgument.Format(listener.LocalEndPoint);
            Terminal.Log($"The uppercase server listens on {address}, on a loop of its own.");
            return new LoadTarget(listener.LocalEndPoint, address, server);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Turns what was given into the one address that is dialled.</summary>
    public static async Task<LoadTarget> FindAsync(EndPoint endPoint, CancellationToken cancellationToken)
    {
        var name = AddressArgument.Format(endPoint);
        var addresses = await Names.ResolveAsync(endPoint, AddressFamily.Unspecified, _resolveTimeout, cancellationToken);
        var address = addresses.Count == 1 ? addresses[0] : await FirstThatConnectsAsync(addresses, cancellationToken);
        if (address != endPoint)
            Terminal.Log($"{name} is {AddressArgument.Format(address)}.");
        return new LoadTarget(address, name, server: null);
    }

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static async Task<Listener> ListenAsync(EventLoop server)
    {
        try
        {
            return await server.ListenAsync(OwnAddress, Handlers.Uppercase);
        }
        catch (ListenException e) when (e.Errno == Errno.EADDRINUSE)
        {
            Terminal.Log($"Port {OwnAddress.Port} is taken; the server takes a free one.");
            return await server.ListenAsync(new IPEndPoint(OwnAddress.Address, 0), Handlers.Uppercase);
        }
    }

    // A name such as localhost has several addresses, and the server may listen on only one of them. All connections
    // go to one, or else the load would measure the failing of the others.
    private static async Task<EndPoint> FirstThatConnectsAsync(IReadOnlyList<EndPoint> addresses, CancellationToken cancellationToken)
    {
        await using var loop = EventLoop.Start(new EventLoopOptions { Name = "find" });
        foreach (var address in addresses)
        {
            var result = await loop.TryConnectAsync(address, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            if (result.Connection is { } connection)
            {
                await connection.CloseAsync();
                return address;
            }
        }
        return addresses[0];
    }
}
