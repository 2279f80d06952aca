using System.Net;
using System.Net.Sockets;

namespace Reactor;

/// <summary>How a <see cref="Connector"/> dials.</summary>
public sealed record ConnectOptions : ConnectionOptions
{
    /// <summary>
    /// How long a dial may take, with the resolving of a name and all its addresses, which share what is left evenly.
    /// Default: 15 seconds. <see cref="Timeout.InfiniteTimeSpan"/> leaves it to the kernel, which gives up after some two
    /// minutes on Linux (<c>tcp_syn_retries</c>, tcp(7)).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan ConnectTimeout
    {
        get;
        init => field = PositiveOrInfinite(value);
    } = TimeSpan.FromSeconds(15);

    /// <summary>The address to dial from; port 0 for any. Default: the system chooses.</summary>
    /// <exception cref="ArgumentException">A host name: it takes an address.</exception>
    public EndPoint? LocalEndPoint
    {
        get;
        init
        {
            if (value is DnsEndPoint) throw new ArgumentException("A host name is no address to dial from: resolve it first.", nameof(value));
            field = value;
        }
    }

    /// <summary>The most dials under way at once, 1 or more; further ones wait their turn, first come, first served. Default: no limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxInFlight
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = int.MaxValue;

    /// <summary>Which addresses of a host name to try: InterNetwork, InterNetworkV6, or Unspecified for both. Default: both.</summary>
    public AddressFamily AddressFamily { get; init; } = AddressFamily.Unspecified;
}
