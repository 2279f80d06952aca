using System.Net;
using System.Net.Sockets;

namespace Reactor;

/// <summary>How a <see cref="Connector"/> dials.</summary>
public sealed record ConnectOptions : ConnectionOptions
{
    /// <summary>
    /// How long a dial may take, with the resolving of a name and all its addresses; with <see cref="Retry"/>, how long each try
    /// may. The wait for a place (<see cref="MaxInFlight"/>, <see cref="ConnectsPerSecond"/>) does not count. Default: 15 seconds.
    /// <see cref="Timeout.InfiniteTimeSpan"/> leaves it to the kernel, which gives up after some two minutes on Linux
    /// (<c>tcp_syn_retries</c>, tcp(7)).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan ConnectTimeout
    {
        get;
        init => field = PositiveOrInfinite(value);
    } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// With several addresses: how long after one attempt the next begins while none has been answered (RFC 8305, 5). The
    /// first to connect wins and the others are closed; one that fails starts the next at once. Default: 250 ms.
    /// <see cref="Timeout.InfiniteTimeSpan"/> tries one after the other, each with its share of the time.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 10 ms, the RFC's minimum.</exception>
    public TimeSpan AttemptDelay
    {
        get;
        init
        {
            if (value != Timeout.InfiniteTimeSpan) ArgumentOutOfRangeException.ThrowIfLessThan(value, AddressRace.LeastDelay);
            field = value;
        }
    } = TimeSpan.FromMilliseconds(250);

    /// <summary>When to dial again after a failure. Default: null, never.</summary>
    public ConnectRetryOptions? Retry { get; init; }

    /// <summary>
    /// The addresses to dial from, in turn, each with port 0 for any. Default: none, the system chooses. One whose ports are
    /// used up is passed over for the next: from each some 28,000 connections to one target are possible
    /// (<c>ip_local_port_range</c>, ip(7)). Only those of the target's family are used, where there are such.
    /// </summary>
    /// <exception cref="ArgumentException">A host name or null: it takes addresses.</exception>
    public IReadOnlyList<EndPoint> LocalEndPoints
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.Any(static local => local is null)) throw new ArgumentException("Null is no address to dial from: an empty list leaves it to the system.", nameof(value));
            if (value.Any(static local => local is DnsEndPoint)) throw new ArgumentException("A host name is no address to dial from: resolve it first.", nameof(value));
            field = [.. value];
        }
    } = [];

    /// <summary>The most dials under way at once, 1 or more; further ones wait their turn, first come, first served. Default: no limit. A dial that races addresses is one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxInFlight
    {
        get;
        init => field = AtLeast(1, value);
    } = int.MaxValue;

    /// <summary>
    /// The most dials begun in a second, more than 0; further ones wait their turn. They are spread evenly, to the millisecond:
    /// after a pause there is no burst. Default: <see cref="double.PositiveInfinity"/>, no limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not more than 0.</exception>
    public double ConnectsPerSecond
    {
        get;
        init
        {
            if (!(value > 0)) throw new ArgumentOutOfRangeException(nameof(value), value, "More than 0 connects per second are needed.");
            field = value;
        }
    } = double.PositiveInfinity;

    /// <summary>Which addresses of a host name to try: InterNetwork, InterNetworkV6, or Unspecified for both. Default: both.</summary>
    public AddressFamily AddressFamily { get; init; } = AddressFamily.Unspecified;

    /// <summary>
    /// Whether the first send may carry the SYN (<c>TCP_FASTOPEN_CONNECT</c>, RFC 7413). Default: false. With a target that gave us
    /// its cookie before, the dial is then connected before anything was heard from it, and that nobody listens shows as a
    /// failed read or write. Only for protocols in which the client speaks first: until it does nothing is sent at all, and
    /// <see cref="Connection.ShutdownSend"/> before that breaks the connection.
    /// </summary>
    public bool FastOpen { get; init; }
}
