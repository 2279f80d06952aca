using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Reactor;

/// <summary>Counts the connections of each remote address. On the loop only.</summary>
/// <param name="most">How many an address may have at once.</param>
internal sealed class AddressLimit(int most)
{
    private readonly Dictionary<IPAddress, int> _counts = [];

    /// <summary>Takes a place for a peer's address.</summary>
    /// <returns>False when the address has all that it may have. A peer without an address has no limit.</returns>
    internal bool TryEnter(EndPoint? remote)
    {
        if (most == int.MaxValue || remote is not IPEndPoint ip) return true;
        ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(_counts, Key(ip), out _);
        if (count == most) return false;
        count++;
        return true;
    }

    /// <summary>Gives a place back.</summary>
    internal void Leave(EndPoint? remote)
    {
        if (most == int.MaxValue || remote is not IPEndPoint ip) return;
        var key = Key(ip);
        if (--CollectionsMarshal.GetValueRefOrNullRef(_counts, key) == 0) _counts.Remove(key);
    }

    // A dual-stack listener sees an IPv4 client as ::ffff:192.0.2.1.
    private static IPAddress Key(IPEndPoint remote) =>
        remote is { AddressFamily: AddressFamily.InterNetworkV6, Address.IsIPv4MappedToIPv6: true } ? remote.Address.MapToIPv4() : remote.Address;
}
