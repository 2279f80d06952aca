using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Reactor.Tests.Fixtures;

/// <summary>A listening socket as an inetd or systemd hands it on: a number, blocking, and nobody's object.</summary>
internal static partial class Inherited
{
    private const int F_SETFL = 4;

    public static int Listening(EndPoint endPoint)
    {
        var kernel = Kernel.System;
        var descriptor = Check(kernel.Socket(endPoint.AddressFamily));
        Check(kernel.Bind(descriptor, endPoint.Serialize()));
        Check(kernel.Listen(descriptor, 16));
        Check(fcntl(descriptor, F_SETFL, 0));
        return descriptor;
    }

    public static bool IsBlocking(int descriptor) => (Check(fcntl(descriptor, F_SETFL - 1, 0)) & 0x800) == 0;

    private static int Check(int answer) => answer >= 0 ? answer : throw new SocketException(-answer);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int operation, nint argument);
}
