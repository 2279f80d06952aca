using System.Runtime.CompilerServices;

namespace Reactor;

/// <summary>
/// What holds for a connection however it came about. Options of the socket are set before connect(2) or listen(2); an
/// accepted socket inherits them from its listener. One that the system refuses is the syscall of the error:
/// <c>setsockopt(SO_SNDBUF)</c>. Those of TCP and IP mean nothing for a Unix-domain socket and are not set there.
/// </summary>
public record ConnectionOptions
{
    /// <summary>Whether small sends go out at once (<c>TCP_NODELAY</c>, tcp(7)). Default: true.</summary>
    public bool NoDelay { get; init; } = true;

    /// <summary>How the system asks a silent peer whether it is still there. Default: null, never.</summary>
    public KeepAliveOptions? KeepAlive { get; init; }

    /// <summary>
    /// How long sent bytes may stay unacknowledged before the system gives up on the peer (<c>TCP_USER_TIMEOUT</c>, RFC 5482), in
    /// milliseconds, rounded up. Default: null, the system's own, some fifteen minutes on Linux.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan? UserTimeout
    {
        get;
        init => field = Positive(value);
    }

    /// <summary>Bytes of the system's send buffer, 1 or more (<c>SO_SNDBUF</c>; Linux doubles and caps it, socket(7)). Default: null, sized by the system.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int? SendBufferSize
    {
        get;
        init => field = AtLeast(1, value);
    }

    /// <summary>Bytes of the system's receive buffer, 1 or more (<c>SO_RCVBUF</c>; Linux doubles and caps it, socket(7)). Default: null, sized by the system.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int? ReceiveBufferSize
    {
        get;
        init => field = AtLeast(1, value);
    }

    /// <summary>
    /// What closing waits for once everything was flushed. Null, the default: nothing; the system goes on sending by itself.
    /// Zero: closing resets, and the system drops what it has not sent (<c>SO_LINGER</c>, socket(7)). More: we send our FIN, then
    /// read and throw away what still comes until the peer ends its side too, for so long at most.
    /// </summary>
    /// <remarks>
    /// A peer that is still sending when we close would otherwise be reset, and may lose the end of what we sent it (RFC 1122,
    /// 4.2.2.13). The waiting is done by the loop: the system's own lingering would block its thread.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public TimeSpan? Linger
    {
        get;
        init => field = value is { Ticks: < 0 } ? throw new ArgumentOutOfRangeException(nameof(value), value, "A time to linger is not negative.") : value;
    }

    /// <summary>The type of service or traffic class of what is sent, 0 to 255 (<c>IP_TOS</c>, <c>IPV6_TCLASS</c>; RFC 2474). Default: null, the system's own.</summary>
    public byte? TypeOfService { get; init; }

    /// <summary>Whether only hosts on a directly connected network are reached (<c>SO_DONTROUTE</c>). Default: false.</summary>
    public bool DontRoute { get; init; }

    /// <summary>The only network interface to use, by name (<c>SO_BINDTODEVICE</c>). Default: null, any.</summary>
    public string? Device { get; init; }

    /// <summary>
    /// Whether the peer's urgent byte is received in the stream, behind the mark (<c>SO_OOBINLINE</c>, tcp(7)). Default: false: it
    /// is taken with <see cref="Connection.ReceiveUrgentAsync"/>.
    /// </summary>
    public bool OutOfBandInline { get; init; }

    /// <summary>
    /// A flush waits when this many bytes are left for the system to take, 1 or more; below, it completes and they are sent
    /// when there is room. Default: 64 KiB.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int SendHighWatermark
    {
        get;
        init => field = AtLeast(1, value);
    } = 64 * 1024;

    /// <summary>A flush that waits goes on when no more than this many bytes are left. Default: 32 KiB. As much as the high one at most.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int SendLowWatermark
    {
        get;
        init => field = AtLeast(0, value);
    } = 32 * 1024;

    /// <summary>
    /// The most bytes that may be written and not yet taken by the system, 1 or more, without the memory of a write that is
    /// still awaited. One more, and the connection is aborted with <see cref="CloseReason.SendLimit"/>. Default: 2 GiB. A
    /// handler that awaits its flushes stays near <see cref="SendHighWatermark"/>; this is for one that does not.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxUnsentBytes
    {
        get;
        init => field = AtLeast(1, value);
    } = int.MaxValue;

    /// <summary>
    /// A connection of which the system took not one of the bytes that wait to be sent for so long is aborted, with
    /// <see cref="CloseReason.WriteTimeout"/>. Default: <see cref="Timeout.InfiniteTimeSpan"/>, never.
    /// </summary>
    /// <remarks>
    /// Linux takes more only when a third of its send buffer is free, so a peer has to read that much in this time: 1.4 MB
    /// as a rule, less with a <see cref="SendBufferSize"/>.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan WriteTimeout
    {
        get;
        init => field = PositiveOrInfinite(value);
    } = Timeout.InfiniteTimeSpan;

    /// <summary>How long closing waits for the peer to take what was flushed before it resets. Default: 30 seconds. <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan CloseTimeout
    {
        get;
        init => field = PositiveOrInfinite(value);
    } = TimeSpan.FromSeconds(30);

    /// <summary>A connection that neither received nor sent a byte for so long is aborted, with <see cref="CloseReason.IdleTimeout"/>. Default: <see cref="Timeout.InfiniteTimeSpan"/>, never.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan IdleTimeout
    {
        get;
        init => field = PositiveOrInfinite(value);
    } = Timeout.InfiniteTimeSpan;

    internal static TimeSpan PositiveOrInfinite(TimeSpan value, [CallerMemberName] string? name = null)
    {
        if (value != Timeout.InfiniteTimeSpan) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, name);
        return value;
    }

    internal static TimeSpan Positive(TimeSpan value, [CallerMemberName] string? name = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, name);
        return value;
    }

    internal static TimeSpan? Positive(TimeSpan? value, [CallerMemberName] string? name = null) => value is { } time ? Positive(time, name) : null;

    internal static int AtLeast(int least, int value, [CallerMemberName] string? name = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, least, name);
        return value;
    }

    internal static int? AtLeast(int least, int? value, [CallerMemberName] string? name = null) => value is { } number ? AtLeast(least, number, name) : null;
}
