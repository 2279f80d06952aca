using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace Reactor;

/// <summary>
/// The libc calls that a kernel body uses, named as in their man pages. Blittable, with no opinions: the result is
/// what the call answered, and errno is read by the caller with <see cref="Marshal.GetLastSystemError"/> at once.
/// </summary>
internal static unsafe partial class Libc
{
    // The runtime maps this name to libc.so.6 under glibc and to the musl library under musl.
    private const string Library = "libc";

    [LibraryImport(Library)]
    internal static partial int socket(int domain, int type, int protocol);

    [LibraryImport(Library)]
    internal static partial int bind(int sockfd, byte* addr, uint addrlen);

    [LibraryImport(Library)]
    internal static partial int listen(int sockfd, int backlog);

    [LibraryImport(Library)]
    internal static partial int accept4(int sockfd, byte* addr, uint* addrlen, int flags);

    [LibraryImport(Library)]
    internal static partial int connect(int sockfd, byte* addr, uint addrlen);

    [LibraryImport(Library)]
    internal static partial nint recv(int sockfd, byte* buf, nuint len, int flags);

    [LibraryImport(Library)]
    internal static partial nint send(int sockfd, byte* buf, nuint len, int flags);

    [LibraryImport(Library)]
    internal static partial nint sendmsg(int sockfd, MsgHdr* msg, int flags);

    [LibraryImport(Library)]
    internal static partial int shutdown(int sockfd, int how);

    [LibraryImport(Library)]
    internal static partial int close(int fd);

    [LibraryImport(Library)]
    internal static partial int setsockopt(int sockfd, int level, int optname, void* optval, uint optlen);

    [LibraryImport(Library)]
    internal static partial int getsockopt(int sockfd, int level, int optname, void* optval, uint* optlen);

    [LibraryImport(Library)]
    internal static partial int getsockname(int sockfd, byte* addr, uint* addrlen);

    [LibraryImport(Library)]
    internal static partial int getpeername(int sockfd, byte* addr, uint* addrlen);

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
    internal static partial int unlink(byte* pathname);

    [LibraryImport(Library)]
    internal static partial int chmod(byte* pathname, uint mode);

    [LibraryImport(Library)]
    internal static partial int chown(byte* pathname, uint owner, uint group);

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
