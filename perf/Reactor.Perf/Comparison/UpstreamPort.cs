using System.Net;
using System.Net.Sockets;

namespace Reactor.Perf.Comparison;

/// <summary>
/// Where the load listens for what a proxy opens. The proxy has to be told before the load is there, so the port is taken
/// for as long as this process lives: bound and not listened on, it is nobody's source port and the load may still listen.
/// </summary>
internal static class UpstreamPort
{
    private static readonly Socket Reserved = Reserve();

    public static int Number => ((IPEndPoint)Reserved.LocalEndPoint!).Port;

    private static Socket Reserve()
    {
        // What Linux asks of both who share an address that only one listens on is SO_REUSEADDR (socket(7)).
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, optionValue: true);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}
