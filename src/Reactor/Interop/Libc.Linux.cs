using System.Runtime.InteropServices;

namespace Reactor;

/// <content>What only Linux has, or has under this name.</content>
internal static unsafe partial class Libc
{
    // arm64 has the numbers that all newer systems share.
    private static nint SYS_statx => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 291 : 332;

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

    /// <summary>statx(2).</summary>
    internal static int statx(int dirfd, byte* pathname, int flags, uint mask, byte* statxbuf) =>
        (int)syscall(SYS_statx, dirfd, pathname, flags, mask, statxbuf);

    // By its number, since glibc has the name from 2.28 on and musl from 1.2.5, and .NET 10 runs from 2.27 and 1.2.3 on.
    [LibraryImport(Library)]
    private static partial nint syscall(nint number, nint dirfd, byte* pathname, nint flags, nuint mask, byte* statxbuf);
}
