using System.Net;
using System.Net.Sockets;

namespace Reactor.Tool;

/// <summary>Turns host names into addresses, once and before anything is measured.</summary>
internal static class Names
{
    /// <summary>All addresses of an end point; itself when it is no name.</summary>
    /// <exception cref="SocketException">The name has none, or the resolver did not say so in time.</exception>
    public static async Task<IReadOnlyList<EndPoint>> ResolveAsync(EndPoint endPoint, AddressFamily family, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (endPoint is not DnsEndPoint name)
            return [endPoint];
        try
        {
            // The resolver itself cannot be interrupted everywhere; the wait for it can.
            var addresses = await Dns.GetHostAddressesAsync(name.Host, family, cancellationToken).WaitAsync(timeout, cancellationToken);
            // The resolver gives an address once for each of its sources, and dialling it twice tells nothing new.
            return addresses.Length == 0
                ? throw new SocketException((int)SocketError.NoData)
                : [.. addresses.Distinct().Select(address => new IPEndPoint(address, name.Port))];
        }
        catch (TimeoutException)
        {
            throw new SocketException((int)SocketError.TryAgain);
        }
    }
}
