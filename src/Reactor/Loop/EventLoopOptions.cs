using Microsoft.Extensions.Logging;

namespace Reactor;

/// <summary>How an <see cref="EventLoop"/> is to run.</summary>
public sealed record EventLoopOptions
{
    /// <summary>The name of the loop's thread. Default: <c>reactor</c>.</summary>
    public string Name { get; init; } = "reactor";

    /// <summary>Where the log goes; what a logger throws is dropped. Default: nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>The kernel to run on. Default: <see cref="Kernel.System"/>.</summary>
    public Kernel? Kernel { get; init; }

    /// <summary>
    /// The most events that one turn takes from the poller, 1 or more. Default: 256, which keeps the array of them in the
    /// processor's first cache and the wait of the last of them short.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int EventsPerTurn
    {
        get;
        init => field = ConnectionOptions.AtLeast(1, value);
    } = 256;

    /// <summary>
    /// How long the loop goes on asking the poller before it sleeps in it, from zero to a second. Default: zero, it sleeps at once. To
    /// be woken takes the system some microseconds, which one who spins saves, at the price of a processor that is busy meanwhile:
    /// 20 to 100 us suit two programs on one machine that send each other a message at a time. Each loop that spins needs a processor
    /// that is free: where it takes the one that its peer is to answer on, every answer comes later by the time that it spins. It
    /// spins only as long as things come closer together than that, so an idle loop still uses no processor.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than a second.</exception>
    public TimeSpan SpinTime
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromSeconds(1));
            field = value;
        }
    }

    /// <summary>
    /// How long <see cref="EventLoop.DisposeAsync"/> waits for handlers and connections to end by themselves before it
    /// aborts them. Zero or more. Default: 5 seconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public TimeSpan ShutdownTimeout
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(5);

    /// <summary>How the loop's own connector dials.</summary>
    public ConnectOptions Connect { get; init; } = new();
}
