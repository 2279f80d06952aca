namespace Reactor;

/// <summary>The numbers that Linux and macOS have in common, under their native names.</summary>
internal static class UnixAbi
{
    internal const int AF_UNIX = 1;
    internal const int AF_INET = 2;

    internal const int SOCK_STREAM = 1;
    internal const int SOCK_DGRAM = 2;

    internal const int IPPROTO_IP = 0;
    internal const int IPPROTO_TCP = 6;
    internal const int IPPROTO_IPV6 = 41;

    internal const int TCP_NODELAY = 1;

    internal const int MSG_OOB = 0x1;
    internal const int MSG_PEEK = 0x2;

    internal const int F_SETFD = 2;
    internal const int F_GETFL = 3;
    internal const int F_SETFL = 4;
    internal const int FD_CLOEXEC = 1;

    internal const int S_IFMT = 0xF000;
    internal const int S_IFSOCK = 0xC000;
}
