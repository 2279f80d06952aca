namespace Reactor;

/// <summary>The numbers of Linux, under their native names; the same on x64 and arm64.</summary>
internal static class LinuxAbi
{
    internal const int AF_INET6 = 10;

    internal const int SOCK_NONBLOCK = 0x800;
    internal const int SOCK_CLOEXEC = 0x80000;

    internal const int SOL_SOCKET = 1;
    internal const int SO_REUSEADDR = 2;
    internal const int SO_ERROR = 4;
    internal const int SO_DONTROUTE = 5;
    internal const int SO_SNDBUF = 7;
    internal const int SO_RCVBUF = 8;
    internal const int SO_KEEPALIVE = 9;
    internal const int SO_OOBINLINE = 10;
    internal const int SO_LINGER = 13;
    internal const int SO_REUSEPORT = 15;
    internal const int SO_PEERCRED = 17;
    internal const int SO_BINDTODEVICE = 25;
    internal const int SO_ACCEPTCONN = 30;

    internal const int IP_TOS = 1;
    internal const int IP_BIND_ADDRESS_NO_PORT = 24;

    internal const int TCP_KEEPIDLE = 4;
    internal const int TCP_KEEPINTVL = 5;
    internal const int TCP_KEEPCNT = 6;
    internal const int TCP_DEFER_ACCEPT = 9;
    internal const int TCP_USER_TIMEOUT = 18;
    internal const int TCP_FASTOPEN = 23;
    internal const int TCP_FASTOPEN_CONNECT = 30;

    internal const int IPV6_V6ONLY = 26;
    internal const int IPV6_TCLASS = 67;

    internal const int SIOCATMARK = 0x8905;

    internal const int MSG_NOSIGNAL = 0x4000;

    internal const int EPOLL_CLOEXEC = 0x80000;
    internal const int EPOLL_CTL_ADD = 1;
    internal const int EPOLL_CTL_DEL = 2;

    internal const uint EPOLLIN = 0x1;
    internal const uint EPOLLPRI = 0x2;
    internal const uint EPOLLOUT = 0x4;
    internal const uint EPOLLERR = 0x8;
    internal const uint EPOLLHUP = 0x10;
    internal const uint EPOLLRDHUP = 0x2000;
    internal const uint EPOLLET = 0x80000000;

    internal const int EFD_NONBLOCK = 0x800;
    internal const int EFD_CLOEXEC = 0x80000;

    internal const int AT_FDCWD = -100;
    internal const int AT_SYMLINK_NOFOLLOW = 0x100;
    internal const uint STATX_TYPE = 0x1;
    internal const int StatxSize = 256;
    internal const int StatxModeOffset = 28;
}
