using System.Runtime.CompilerServices;
using Tmds.Linux;

[assembly: DisableRuntimeMarshalling]

namespace Reactor;

/// <summary>
/// The same calls on the package Tmds.LibC, in place of our own declarations when <c>UseTmdsLibC</c> is true. The package is for
/// glibc alone: without macOS, whose <see cref="LibSystem"/> reads an <see cref="errno"/> that is set there by nobody, and
/// without musl. It has every call of the list; its pointers and sizes are types of its own, laid out as ours are.
/// </summary>
internal static unsafe partial class Libc
{
    /// <summary>errno(3) of the call just made, which the package keeps.</summary>
    internal static int errno => LibC.errno;

    internal static int socket(int domain, int type, int protocol) => LibC.socket(domain, type, protocol);

    internal static int bind(int sockfd, byte* addr, uint addrlen) => LibC.bind(sockfd, (sockaddr*)addr, addrlen);

    internal static int listen(int sockfd, int backlog) => LibC.listen(sockfd, backlog);

    internal static int accept4(int sockfd, byte* addr, uint* addrlen, int flags) =>
        LibC.accept4(sockfd, (sockaddr*)addr, (socklen_t*)addrlen, flags);

    internal static int connect(int sockfd, byte* addr, uint addrlen) => LibC.connect(sockfd, (sockaddr*)addr, addrlen);

    internal static nint recv(int sockfd, byte* buf, nuint len, int flags) => (nint)(long)LibC.recv(sockfd, buf, (size_t)len, flags);

    internal static nint send(int sockfd, byte* buf, nuint len, int flags) => (nint)(long)LibC.send(sockfd, buf, (size_t)len, flags);

    internal static nint sendmsg(int sockfd, MsgHdr* msg, int flags) => (nint)(long)LibC.sendmsg(sockfd, (msghdr*)msg, flags);

    internal static int shutdown(int sockfd, int how) => LibC.shutdown(sockfd, how);

    internal static int close(int fd) => LibC.close(fd);

    internal static int setsockopt(int sockfd, int level, int optname, void* optval, uint optlen) =>
        LibC.setsockopt(sockfd, level, optname, optval, optlen);

    internal static int getsockopt(int sockfd, int level, int optname, void* optval, uint* optlen) =>
        LibC.getsockopt(sockfd, level, optname, optval, (socklen_t*)optlen);

    internal static int getsockname(int sockfd, byte* addr, uint* addrlen) =>
        LibC.getsockname(sockfd, (sockaddr*)addr, (socklen_t*)addrlen);

    internal static int getpeername(int sockfd, byte* addr, uint* addrlen) =>
        LibC.getpeername(sockfd, (sockaddr*)addr, (socklen_t*)addrlen);

    internal static int fcntl(int fd, int op, nint arg) => LibC.fcntl(fd, op, (void*)arg);

    internal static int ioctl(int fd, nuint op, int* argp) => LibC.ioctl(fd, (int)op, argp);

    internal static int epoll_create1(int flags) => LibC.epoll_create1(flags);

    internal static int epoll_ctl(int epfd, int op, int fd, byte* ev) => LibC.epoll_ctl(epfd, op, fd, (epoll_event*)ev);

    internal static int epoll_wait(int epfd, byte* events, int maxevents, int timeout) =>
        LibC.epoll_wait(epfd, (epoll_event*)events, maxevents, timeout);

    internal static int eventfd(uint initval, int flags) => LibC.eventfd(initval, flags);

    internal static nint write(int fd, void* buf, nuint count) => (nint)(long)LibC.write(fd, buf, (size_t)count);

    internal static int unlink(byte* pathname) => LibC.unlink(pathname);

    internal static int chmod(byte* pathname, uint mode) => LibC.chmod(pathname, (ushort)mode);

    internal static int chown(byte* pathname, uint owner, uint group) => LibC.chown(pathname, owner, group);

    // By its name, which glibc has from 2.28 on.
    internal static int statx(int dirfd, byte* pathname, int flags, uint mask, byte* statxbuf) =>
        LibC.statx(dirfd, pathname, flags, mask, (statx*)statxbuf);
}
