using System.Net;
using System.Net.Sockets;

namespace Reactor;

/// <summary>
/// Several loops, as a rule one a core. Each has a listener of its own on the shared address (<c>SO_REUSEPORT</c>,
/// socket(7)), the kernel deals out connections, and a connection stays on its loop for life. Nothing is shared or locked.
/// macOS shares the address and not its connections: there one loop gets them all, and a warning says so.
/// </summary>
public sealed class EventLoopGroup : IAsyncDisposable
{
    private readonly EventLoop[] _loops;
    private int _next = -1;

    private EventLoopGroup(EventLoop[] loops) => _loops = loops;

    /// <summary>The loops.</summary>
    public IReadOnlyList<EventLoop> Loops => _loops;

    /// <summary>The sum of the loops' counters.</summary>
    public EventLoopCounters Counters => _loops.Aggregate(default(EventLoopCounters), (sum, loop) => sum + loop.Counters);

    /// <summary>Starts loops.</summary>
    /// <param name="loops">How many, 1 or more.</param>
    /// <param name="options">How each is to run; their threads are numbered.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="loops"/> is less than 1.</exception>
    public static EventLoopGroup Start(int loops, EventLoopOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(loops, 1);
        options ??= new EventLoopOptions();
        var started = new List<EventLoop>(loops);
        try
        {
            for (var i = 0; i < loops; i++) started.Add(EventLoop.Start(options with { Name = $"{options.Name}-{i}" }));
            return new EventLoopGroup([.. started]);
        }
        catch
        {
            // They hold nothing yet and end by themselves at once.
            foreach (var loop in started) _ = loop.DisposeAsync().AsTask();
            throw;
        }
    }

    /// <summary>One loop after the other, for dialling. From any thread.</summary>
    public EventLoop Next() => _loops[(uint)Interlocked.Increment(ref _next) % (uint)_loops.Length];

    /// <summary>
    /// Listens on every loop. With more than one, another process of the same user that does so too can share the address
    /// (<c>SO_REUSEPORT</c>, socket(7)), and takes a part of the connections. A Unix-domain address cannot be shared and is served
    /// by the first loop.
    /// </summary>
    /// <param name="endPoint">The address; with port 0 all get the port that the first got.</param>
    /// <param name="handler">What serves a connection.</param>
    /// <param name="options">How to listen; null for the defaults. Limits hold for each loop.</param>
    /// <param name="cancellationToken">Looked at before each listener is made.</param>
    /// <exception cref="ListenException">The system refused.</exception>
    public async Task<ListenerGroup> ListenAsync(EndPoint endPoint, ConnectionHandler handler, ListenOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        options ??= new ListenOptions();
        var loops = endPoint.AddressFamily == AddressFamily.Unix ? _loops[..1] : _loops;
        if (loops.Length > 1) options = options with { ReusePort = true };

        var listeners = new List<Listener>(loops.Length);
        try
        {
            foreach (var loop in loops)
            {
                var address = listeners.Count == 0 ? endPoint : listeners[0].LocalEndPoint;
                listeners.Add(await loop.ListenAsync(address, handler, options, cancellationToken).ConfigureAwait(false));
            }
        }
        catch
        {
            foreach (var listener in listeners) await listener.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        if (loops.Length > 1 && loops[0].Kernel.Traits.HasFlag(KernelTraits.UnbalancedPorts)) loops[0].Log.PortNotBalanced(listeners[0].LocalEndPoint, loops.Length);
        return new ListenerGroup(listeners);
    }

    /// <summary>Ends all loops, at the same time; see <see cref="EventLoop.DisposeAsync"/>.</summary>
    public async ValueTask DisposeAsync() => await Task.WhenAll(_loops.Select(loop => loop.DisposeAsync().AsTask())).ConfigureAwait(false);
}
