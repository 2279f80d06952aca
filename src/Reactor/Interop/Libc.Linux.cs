using System.Runtime.InteropServices;

namespace Reactor;

/// <content>What only Linux has, or has under this name.</content>
internal static unsafe partial class Libc
{
    [LibraryImport(Library)]
    internal static partial int accept4(int sockfd, byte* addr, uint* addrlen, int flags);

    [LibraryImport(Library)]
    internal static partial nint sendmsg(int sockfd, MsgHdr* msg, int flags);

    // The third argument of these two is variadic, which on Linux, x64 and arm64, is passed as any other.
    [LibraryImport(Library)]
    internal static partial int fcntl(int fd, int op, nint arg);

    [LibraryImport(Library)]
    internal static partial int ioctl(int fd, nuint op, int* argp);

    [LibraryImport(Library)]
    internal static partial int epoll_create1(int flags);

    [LibraryImport(Library)]
    internal static partial int epoll_ctl(int epfd, int op, int fd, byte* ev);

    [LibraryImport(Library)]
    internal static partial int epoll_wait(int epfd, byte* events, int maxevents, int timeout);

    [LibraryImport(Library)]
    internal static partial int eventfd(uint initval, int flags);

    [LibraryImport(Library)]
    internal static partial nint write(int fd, void* buf, nuint count);

    [LibraryImport(Library)]
    internal static partial int statx(int dirfd, byte* pathname, int flags, uint mask, byte* statxbuf);

    /// <summary><c>struct msghdr</c> of recvmsg(2), the same on every 64-bit Linux.</summary>
    internal struct MsgHdr
    {
        public void* msg_name;
        public uint msg_namelen;
        public IoVector* msg_iov;
        public nuint msg_iovlen;
        public void* msg_control;
        public nuint msg_controllen;
        public int msg_flags;
    }
}
