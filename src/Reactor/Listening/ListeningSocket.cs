using System.Net;
using System.Net.Sockets;

namespace Reactor;

/// <summary>Makes listening sockets: socket(2), options, bind(2), listen(2).</summary>
internal static class ListeningSocket
{
    /// <summary>Opens one.</summary>
    /// <returns>The descriptor.</returns>
    /// <exception cref="ListenException">A call was refused; nothing is left behind.</exception>
    internal static int Open(Kernel kernel, EndPoint endPoint, ListenOptions options)
    {
        var descriptor = kernel.Socket(endPoint.AddressFamily);
        if (descriptor < 0) throw new ListenException("socket", (Errno)(-descriptor), endPoint);

        var (syscall, answer) = Bind(kernel, descriptor, endPoint, options);
        if (answer >= 0)
        {
            (syscall, answer) = ("listen", kernel.Listen(descriptor, options.Backlog));
            if (answer >= 0) return descriptor;
            if (FileOf(endPoint) is { } file) _ = kernel.Unlink(file);
        }

        _ = kernel.Close(descriptor);
        throw new ListenException(syscall, (Errno)(-answer), endPoint);
    }

    /// <summary>The file of a Unix-domain address, or null when it has none: abstract, or not Unix-domain at all.</summary>
    internal static string? FileOf(EndPoint endPoint)
    {
        if (endPoint is not UnixDomainSocketEndPoint unix) return null;

        // An abstract name begins with a NUL, right behind the family (unix(7)).
        var address = unix.Serialize();
        return address.Size <= sizeof(ushort) || address[sizeof(ushort)] == 0 ? null : unix.ToString();
    }

    private static (string Syscall, int Answer) Bind(Kernel kernel, int descriptor, EndPoint endPoint, ListenOptions options)
    {
        if (endPoint is IPEndPoint && SetOptions(kernel, descriptor, endPoint, options) is < 0 and var refused) return ("setsockopt", refused);

        var answer = kernel.Bind(descriptor, endPoint.Serialize());
        if (answer == -(int)Errno.EADDRINUSE && FileOf(endPoint) is { } file && RemoveStale(kernel, file, endPoint))
        {
            answer = kernel.Bind(descriptor, endPoint.Serialize());
        }

        return ("bind", answer);
    }

    private static int SetOptions(Kernel kernel, int descriptor, EndPoint endPoint, ListenOptions options)
    {
        var answer = 0;
        if (options.ReuseAddress) answer = kernel.SetOption(descriptor, SocketOption.ReuseAddress, 1);
        if (answer >= 0 && options.ReusePort) answer = kernel.SetOption(descriptor, SocketOption.ReusePort, 1);

        // Accepted sockets inherit it, which saves a call for each.
        if (answer >= 0 && options.NoDelay) answer = kernel.SetOption(descriptor, SocketOption.NoDelay, 1);
        if (answer >= 0 && options.IPv6Only is { } only && endPoint.AddressFamily == AddressFamily.InterNetworkV6)
        {
            answer = kernel.SetOption(descriptor, SocketOption.IPv6Only, only ? 1 : 0);
        }

        return answer;
    }

    // A listener that died leaves its file behind, and bind(2) refuses the path (unix(7)). It is removed when it is a socket
    // that nobody answers on, and only then.
    private static bool RemoveStale(Kernel kernel, string file, EndPoint endPoint)
    {
        if (kernel.IsSocket(file) != 1) return false;
        var probe = kernel.Socket(AddressFamily.Unix);
        if (probe < 0) return false;
        var answer = kernel.Connect(probe, endPoint.Serialize());
        _ = kernel.Close(probe);
        return answer == -(int)Errno.ECONNREFUSED && kernel.Unlink(file) >= 0;
    }
}
