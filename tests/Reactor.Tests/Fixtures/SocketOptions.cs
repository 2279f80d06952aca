using System.Runtime.InteropServices;
using System.Text;

namespace Reactor.Tests.Fixtures;

/// <summary>What the kernel has for a socket's options, read back under its own numbers (Linux, x64 and arm64).</summary>
internal static unsafe partial class SocketOptions
{
    public const int SOL_SOCKET = 1;
    public const int SO_DONTROUTE = 5;
    public const int SO_SNDBUF = 7;
    public const int SO_RCVBUF = 8;
    public const int SO_KEEPALIVE = 9;
    public const int SO_OOBINLINE = 10;
    public const int SO_LINGER = 13;
    public const int SO_BINDTODEVICE = 25;

    public const int IPPROTO_IP = 0;
    public const int IP_TOS = 1;
    public const int IPPROTO_IPV6 = 41;
    public const int IPV6_TCLASS = 67;

    public const int IPPROTO_TCP = 6;
    public const int TCP_NODELAY = 1;
    public const int TCP_KEEPIDLE = 4;
    public const int TCP_KEEPINTVL = 5;
    public const int TCP_KEEPCNT = 6;
    public const int TCP_INFO = 11;
    public const int TCP_USER_TIMEOUT = 18;

    // Of tcpi_options, in linux/tcp.h: the bytes in our SYN were acknowledged.
    private const int TCPI_OPT_SYN_DATA = 32;

    public static int Get(int descriptor, int level, int name)
    {
        int value;
        Read(descriptor, level, name, new Span<byte>(&value, sizeof(int)));
        return value;
    }

    /// <summary>The seconds to linger, or null while lingering is switched off.</summary>
    public static int? Linger(int descriptor)
    {
        var linger = stackalloc int[2];
        Read(descriptor, SOL_SOCKET, SO_LINGER, new Span<byte>(linger, 2 * sizeof(int)));
        return linger[0] == 0 ? null : linger[1];
    }

    /// <summary>The only network interface of the socket; empty for any.</summary>
    public static string Device(int descriptor)
    {
        Span<byte> name = stackalloc byte[16];
        var length = Read(descriptor, SOL_SOCKET, SO_BINDTODEVICE, name);
        return Encoding.UTF8.GetString(name[..length]).TrimEnd('\0');
    }

    /// <summary>Whether the peer took bytes that came with the SYN.</summary>
    public static bool SentDataInSyn(int descriptor)
    {
        // Behind state, congestion state, retransmits, probes and backoff, a byte each.
        const int OffsetOfOptions = 5;
        Span<byte> info = stackalloc byte[104];
        Read(descriptor, IPPROTO_TCP, TCP_INFO, info);
        return (info[OffsetOfOptions] & TCPI_OPT_SYN_DATA) != 0;
    }

    private static int Read(int descriptor, int level, int name, Span<byte> value)
    {
        var length = (uint)value.Length;
        fixed (byte* pointer = value)
        {
            if (getsockopt(descriptor, level, name, pointer, &length) != 0)
                throw new InvalidOperationException($"getsockopt({level}, {name}): errno {Marshal.GetLastPInvokeError()}");
        }

        return (int)length;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockopt(int sockfd, int level, int optname, byte* optval, uint* optlen);
}
