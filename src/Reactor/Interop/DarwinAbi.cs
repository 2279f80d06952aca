namespace Reactor;

/// <summary>The numbers of macOS, under their native names; the same on x64 and arm64.</summary>
internal static class DarwinAbi
{
    internal const int AF_INET6 = 30;

    internal const int SOL_SOCKET = 0xFFFF;
    internal const int SO_ACCEPTCONN = 0x2;
    internal const int SO_REUSEADDR = 0x4;
    internal const int SO_KEEPALIVE = 0x8;
    internal const int SO_DONTROUTE = 0x10;
    internal const int SO_OOBINLINE = 0x100;
    internal const int SO_REUSEPORT = 0x200;
    internal const int SO_SNDBUF = 0x1001;
    internal const int SO_RCVBUF = 0x1002;
    internal const int SO_ERROR = 0x1007;
    internal const int SO_NOSIGPIPE = 0x1022;
    internal const int SO_LINGER_SEC = 0x1080;
    internal const int SO_NP_EXTENSIONS = 0x1083;
    internal const int SONPX_SETOPTSHUT = 1;

    internal const int IP_TOS = 3;
    internal const int IP_BOUND_IF = 25;

    internal const int TCP_KEEPALIVE = 0x10;
    internal const int TCP_RXT_CONNDROPTIME = 0x80;
    internal const int TCP_KEEPINTVL = 0x101;
    internal const int TCP_KEEPCNT = 0x102;
    internal const int TCP_FASTOPEN = 0x105;

    internal const int IPV6_V6ONLY = 27;
    internal const int IPV6_TCLASS = 36;
    internal const int IPV6_BOUND_IF = 125;

    internal const int SOL_LOCAL = 0;
    internal const int LOCAL_PEERPID = 2;

    internal const int SIOCATMARK = 0x40047307;
    internal const int O_NONBLOCK = 4;

    // struct stat with 64-bit inodes: st_dev, then st_mode.
    internal const int StatSize = 144;
    internal const int StatModeOffset = 4;

    internal const short EVFILT_READ = -1;
    internal const short EVFILT_WRITE = -2;
    internal const short EVFILT_USER = -10;
    internal const short EVFILT_EXCEPT = -15;

    internal const ushort EV_ADD = 0x1;
    internal const ushort EV_DELETE = 0x2;
    internal const ushort EV_CLEAR = 0x20;
    internal const ushort EV_RECEIPT = 0x40;
    internal const ushort EV_ERROR = 0x4000;
    internal const ushort EV_EOF = 0x8000;

    internal const uint NOTE_OOB = 0x2;
    internal const uint NOTE_TRIGGER = 0x0100_0000;
}
