namespace Reactor;

/// <summary>How a <see cref="Listener"/> listens.</summary>
public sealed record ListenOptions : ConnectionOptions
{
    /// <summary>
    /// How many established connections may wait to be accepted, 1 or more; the system caps it (<c>net.core.somaxconn</c>,
    /// listen(2)). Default: 4,096, Linux's own cap.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int Backlog
    {
        get;
        init => field = AtLeast(1, value);
    } = 4096;

    /// <summary>Whether the address may be bound while former connections of it are still in <c>TIME_WAIT</c> (<c>SO_REUSEADDR</c>). Default: true.</summary>
    public bool ReuseAddress { get; init; } = true;

    /// <summary>Whether several listeners may share the address, the kernel dealing out connections among them (<c>SO_REUSEPORT</c>). Default: false.</summary>
    public bool ReusePort { get; init; }

    /// <summary>Whether an IPv6 listener leaves IPv4 alone (<c>IPV6_V6ONLY</c>). Default: null, as the system has it.</summary>
    public bool? IPv6Only { get; init; }

    /// <summary>The most connections served at once, 1 or more; further ones wait in the backlog. Default: no limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxConnections
    {
        get;
        init => field = AtLeast(1, value);
    } = int.MaxValue;

    /// <summary>The most connections served at once for one remote address, 1 or more; further ones are accepted and closed at once. Default: no limit. An IPv4-mapped address counts as the IPv4 one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxConnectionsPerAddress
    {
        get;
        init => field = AtLeast(1, value);
    } = int.MaxValue;

    /// <summary>An accepted connection of which not one byte came within this time is aborted, with <see cref="CloseReason.FirstByteTimeout"/>. Default: <see cref="Timeout.InfiniteTimeSpan"/>, never.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan FirstByteTimeout
    {
        get;
        init => field = PositiveOrInfinite(value);
    } = Timeout.InfiniteTimeSpan;

    /// <summary>
    /// For how long the system keeps a new connection from us until bytes have come, in whole seconds, rounded up
    /// (<c>TCP_DEFER_ACCEPT</c>, tcp(7)). Default: null, not at all. For protocols in which the client speaks first.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan? DeferAccept
    {
        get;
        init => field = Positive(value);
    }

    /// <summary>
    /// How many clients may send their first bytes with the SYN and wait for the end of the handshake, 1 or more
    /// (<c>TCP_FASTOPEN</c>, RFC 7413; Linux also wants <c>net.ipv4.tcp_fastopen</c> to have 2 in it). Default: null, none. Such bytes
    /// may come twice: only for requests that may.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int? FastOpenBacklog
    {
        get;
        init => field = AtLeast(1, value);
    }

    /// <summary>
    /// The mode of a Unix-domain socket's file; to connect, a client needs write permission (unix(7)). Set before anybody can
    /// connect. Default: null, as the umask has it. Listening on what has no file, such as an abstract name, then fails.
    /// </summary>
    public UnixFileMode? FileMode { get; init; }

    /// <summary>The user id that is to own a Unix-domain socket's file. Default: null, ours.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int? FileOwner
    {
        get;
        init => field = AtLeast(0, value);
    }

    /// <summary>The group id of a Unix-domain socket's file. Default: null, ours.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int? FileGroup
    {
        get;
        init => field = AtLeast(0, value);
    }
}
