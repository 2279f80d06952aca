using System.Net;
using System.Net.Sockets;

namespace Reactor.Tool.Tests;

/// <summary>Ports for tests.</summary>
internal static class Ports
{
    /// <summary>A loopback port on which nobody listens: it was free a moment ago, and the kernel does not hand it out again at once.</summary>
    public static IPEndPoint FindClosed()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }
}
