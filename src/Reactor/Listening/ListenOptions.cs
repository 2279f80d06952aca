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
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
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
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = int.MaxValue;
}
