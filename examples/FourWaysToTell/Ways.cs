using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Reactor.Examples;

/// <summary>The questions that one can ask of a socket whose connect may be done. Each answers in words of the man pages.</summary>
internal static partial class Ways
{
    private static readonly Kernel _kernel = Kernel.System;

    /// <summary>One call, no side effect but that the error is cleared, and the answer is the reason.</summary>
    public static string SocketError(int descriptor) => Describe(_kernel.SocketError(descriptor));

    /// <summary>A peer means connected. ENOTCONN says only that there is none (now); a read then fetches the reason.</summary>
    public static string PeerThenRead(int descriptor)
    {
        var peer = new SocketAddress(AddressFamily.InterNetwork, Kernel.AddressSize);
        var answer = _kernel.PeerAddress(descriptor, peer);
        if (answer >= 0) return "0";

        Span<byte> one = stackalloc byte[1];
        return $"{Describe(answer)} ({Describe(_kernel.Receive(descriptor, one))})";
    }

    /// <summary>recv(2) with no room.</summary>
    public static string ReceiveNothing(int descriptor) => Describe(_kernel.Receive(descriptor, []));

    /// <summary>read(2) with no room: Linux does not even look at the socket.</summary>
    public static string ReadNothing(int descriptor)
    {
        byte none = 0;
        return Describe(Read(descriptor, ref none, 0) < 0 ? -Marshal.GetLastPInvokeError() : 0);
    }

    /// <summary>A second connect(2).</summary>
    public static Func<int, string> ConnectTo(Func<SocketAddress> address) => descriptor => Describe(_kernel.Connect(descriptor, address()));

    private static string Describe(int answer) => answer < 0 ? $"`{((Errno)(-answer)).Name}`" : "0";

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(int descriptor, ref byte buffer, nint count);
}
