using System.Net;
using System.Net.Sockets;

namespace Reactor;

/// <content>Socket addresses as end points.</content>
public sealed partial class EventLoop
{
    private static readonly IPEndPoint _ip = new(IPAddress.Any, 0);
    private static readonly UnixDomainSocketEndPoint _unix = new("/");

    /// <summary>Where a call for an address may leave it until the next such call.</summary>
    internal SocketAddress ScratchAddress { get; } = new(AddressFamily.InterNetworkV6, Kernel.AddressSize);

    /// <summary>The address in <see cref="ScratchAddress"/>; null for an unnamed Unix-domain socket.</summary>
    internal EndPoint? ReadScratch(AddressFamily family)
    {
        if (family != AddressFamily.Unix) return _ip.Create(ScratchAddress);

        // An unnamed socket's address is the family alone (unix(7)).
        return ScratchAddress.Size <= sizeof(ushort) ? null : _unix.Create(ScratchAddress);
    }

    internal EndPoint? ReadLocalEndPoint(int descriptor, AddressFamily family) =>
        Kernel.LocalAddress(descriptor, ScratchAddress) < 0 ? null : ReadScratch(family);
}
