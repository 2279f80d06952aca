namespace Reactor;

/// <summary>What holds for a connection however it came about.</summary>
public record ConnectionOptions
{
    /// <summary>Whether small sends go out at once (<c>TCP_NODELAY</c>, tcp(7)). Default: true.</summary>
    public bool NoDelay { get; init; } = true;

    /// <summary>
    /// A flush waits when this many bytes are left for the system to take, 1 or more; below, it completes and they are sent
    /// when there is room. Default: 64 KiB.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int SendHighWatermark
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 64 * 1024;

    /// <summary>A flush that waits goes on when no more than this many bytes are left. Default: 32 KiB. As much as the high one at most.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int SendLowWatermark
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = 32 * 1024;

    /// <summary>How long closing waits for the peer to take what was flushed before it resets. Default: 30 seconds. <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan CloseTimeout
    {
        get;
        init => field = PositiveOrInfinite(value);
    } = TimeSpan.FromSeconds(30);

    /// <summary>A connection that neither received nor sent a byte for so long is aborted. Default: <see cref="Timeout.InfiniteTimeSpan"/>, never.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan IdleTimeout
    {
        get;
        init => field = PositiveOrInfinite(value);
    } = Timeout.InfiniteTimeSpan;

    /// <summary>Checks a timeout.</summary>
    protected internal static TimeSpan PositiveOrInfinite(TimeSpan value)
    {
        if (value != Timeout.InfiniteTimeSpan) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
        return value;
    }
}
