using System.Net;
using System.Net.Sockets;

namespace Reactor;

/// <summary>
/// The Unix-domain address that leaves the choice to the system: a listener, or a dial from it, gets an abstract name that is
/// free (autobind, unix(7); Linux only). <see cref="Listener.LocalEndPoint"/> tells which. .NET's own end point cannot be empty.
/// </summary>
public sealed class UnixAutobindEndPoint : EndPoint
{
    private UnixAutobindEndPoint()
    {
    }

    /// <summary>The only one.</summary>
    public static UnixAutobindEndPoint Instance { get; } = new();

    /// <inheritdoc/>
    public override AddressFamily AddressFamily => AddressFamily.Unix;

    /// <summary>The family and no name.</summary>
    public override SocketAddress Serialize() => new(AddressFamily.Unix, sizeof(ushort));

    /// <inheritdoc/>
    public override string ToString() => "unix:(autobind)";
}
