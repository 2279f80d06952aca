namespace Reactor;

/// <summary>
/// How the system asks a silent peer whether it is still there (<c>SO_KEEPALIVE</c>, tcp(7)). A peer that does not answer ends the
/// connection with <see cref="CloseReason.Failed"/> and <see cref="Errno.ETIMEDOUT"/>.
/// </summary>
public sealed record KeepAliveOptions
{
    /// <summary>Silence before the first probe, in whole seconds, rounded up. Default: null, the system's own (two hours on Linux).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan? Idle
    {
        get;
        init => field = ConnectionOptions.Positive(value);
    }

    /// <summary>Time between probes, in whole seconds, rounded up. Default: null, the system's own (75 seconds on Linux).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan? Interval
    {
        get;
        init => field = ConnectionOptions.Positive(value);
    }

    /// <summary>Unanswered probes after which the peer is given up, 1 or more (127 at most on Linux). Default: null, the system's own (9 on Linux).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int? Count
    {
        get;
        init => field = ConnectionOptions.AtLeast(1, value);
    }
}
