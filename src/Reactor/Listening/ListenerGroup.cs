using System.Net;

namespace Reactor;

/// <summary>The listeners of an <see cref="EventLoopGroup"/> on one address, one a loop.</summary>
public sealed class ListenerGroup : IAsyncDisposable
{
    internal ListenerGroup(IReadOnlyList<Listener> listeners) => Listeners = listeners;

    /// <summary>The address that they share.</summary>
    public EndPoint LocalEndPoint => Listeners[0].LocalEndPoint;

    /// <summary>One for each loop, in the order of the loops.</summary>
    public IReadOnlyList<Listener> Listeners { get; }

    /// <summary>Stops listening on all.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var listener in Listeners) await listener.DisposeAsync().ConfigureAwait(false);
    }
}
