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
            (syscall, answer) = Listen(kernel, descriptor, endPoint, options);
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
        var setup = new SocketSetup(kernel, descriptor);
        setup.Set(options, endPoint.AddressFamily);
        if (endPoint is IPEndPoint) Set(ref setup, endPoint.AddressFamily, options);
        if (setup.Answer < 0) return (setup.Syscall, setup.Answer);

        var file = FileOf(endPoint);
        var answer = kernel.Bind(descriptor, endPoint.Serialize());
        if (answer == -(int)Errno.EADDRINUSE && file is not null && RemoveStale(kernel, file))
        {
            answer = kernel.Bind(descriptor, endPoint.Serialize());
        }

        return answer < 0 || file is null ? ("bind", answer) : Protect(kernel, file, options);
    }

    private static void Set(ref SocketSetup setup, AddressFamily family, ListenOptions options)
    {
        if (options.ReuseAddress) setup.Set(SocketOption.ReuseAddress, 1);
        if (options.ReusePort) setup.Set(SocketOption.ReusePort, 1);
        if (options.IPv6Only is { } only && family == AddressFamily.InterNetworkV6) setup.Set(SocketOption.IPv6Only, only ? 1 : 0);
        if (options.DeferAccept is { } time) setup.Set(SocketOption.DeferAccept, SocketSetup.RoundUp(time.TotalSeconds));
    }

    // macOS knows Fast Open of a socket that listens, and of no other.
    private static (string Syscall, int Answer) Listen(Kernel kernel, int descriptor, EndPoint endPoint, ListenOptions options)
    {
        var answer = kernel.Listen(descriptor, options.Backlog);
        if (answer < 0 || endPoint is not IPEndPoint || options.FastOpenBacklog is not { } backlog) return ("listen", answer);

        var setup = new SocketSetup(kernel, descriptor);
        setup.Set(SocketOption.FastOpen, backlog);
        return (setup.Syscall, setup.Answer);
    }

    // Before listen(2) nobody can connect, whatever the file's mode was for a moment.
    private static (string Syscall, int Answer) Protect(Kernel kernel, string file, ListenOptions options)
    {
        var (syscall, answer) = ("chmod", 0);
        if (options.FileMode is { } mode) answer = kernel.SetMode(file, mode);
        if (answer >= 0 && (options.FileOwner ?? options.FileGroup) is not null)
        {
            (syscall, answer) = ("chown", kernel.SetOwner(file, options.FileOwner ?? -1, options.FileGroup ?? -1));
        }

        if (answer < 0) _ = kernel.Unlink(file);
        return (syscall, answer);
    }

    // A listener that died leaves its file behind, and bind(2) refuses the path (unix(7)).
    private static bool RemoveStale(Kernel kernel, string file) => kernel.IsStaleSocket(file) == 1 && kernel.Unlink(file) >= 0;
}
