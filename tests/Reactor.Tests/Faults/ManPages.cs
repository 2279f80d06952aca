using static Reactor.Errno;

namespace Reactor.Tests;

/// <summary>The errors that the man page of each call lists, with those of ip(7), tcp(7) and unix(7) that reach it.</summary>
internal static class ManPages
{
    /// <summary>socket(2).</summary>
    public static Errno[] Socket => [EACCES, EAFNOSUPPORT, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTONOSUPPORT];

    /// <summary>bind(2), ip(7).</summary>
    public static Errno[] Bind => [EACCES, EADDRINUSE, EADDRNOTAVAIL, EBADF, EFAULT, EINVAL, ENOBUFS, ENOMEM, ENODEV, ENOTSOCK, EPERM];

    /// <summary>bind(2) where it is about a path.</summary>
    public static Errno[] BindPath => [EACCES, EADDRINUSE, EBADF, EFAULT, EINVAL, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, ENOTSOCK, EROFS];

    /// <summary>listen(2).</summary>
    public static Errno[] Listen => [EADDRINUSE, EBADF, ENOTSOCK, EOPNOTSUPP];

    /// <summary>accept(2): of the call, of its connection, and those that "various Linux kernels" return.</summary>
    public static Errno[] Accept =>
    [
        EAGAIN, EBADF, ECONNABORTED, EFAULT, EINTR, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOTSOCK, EOPNOTSUPP, EPERM, EPROTO,
        ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH,
        ENOSR, ESOCKTNOSUPPORT, EPROTONOSUPPORT, ETIMEDOUT,
    ];

    /// <summary>connect(2), ip(7), tcp(7).</summary>
    public static Errno[] Connect =>
    [
        EACCES, EPERM, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EALREADY, EBADF, ECONNREFUSED, EFAULT, EINPROGRESS, EINTR,
        EISCONN, ENETUNREACH, ENOTSOCK, EPROTOTYPE, ETIMEDOUT, EHOSTUNREACH, EINVAL, ENOBUFS, ECONNRESET,
    ];

    /// <summary>connect(2), unix(7), where it is about a path.</summary>
    public static Errno[] ConnectPath =>
        [EACCES, EPERM, EAFNOSUPPORT, EAGAIN, EBADF, ECONNREFUSED, EFAULT, EINTR, EISCONN, ENOTSOCK, EPROTOTYPE, ENOENT, ENOTDIR, ELOOP];

    /// <summary>recv(2), tcp(7).</summary>
    public static Errno[] Receive => [EAGAIN, EBADF, ECONNREFUSED, EFAULT, EINTR, EINVAL, ENOMEM, ENOTCONN, ENOTSOCK, ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH];

    /// <summary>send(2), tcp(7).</summary>
    public static Errno[] Send =>
    [
        EACCES, EAGAIN, EALREADY, EBADF, ECONNRESET, EDESTADDRREQ, EFAULT, EINTR, EINVAL, EISCONN, EMSGSIZE, ENOBUFS, ENOMEM,
        ENOTCONN, ENOTSOCK, EOPNOTSUPP, EPIPE, ETIMEDOUT, EHOSTUNREACH,
    ];

    /// <summary>ioctl(2) of <c>SIOCATMARK</c>.</summary>
    public static Errno[] IsAtMark => [EBADF, EFAULT, EINVAL, ENOTTY];

    /// <summary>shutdown(2).</summary>
    public static Errno[] Shutdown => [EBADF, EINVAL, ENOTCONN, ENOTSOCK];

    /// <summary>close(2).</summary>
    public static Errno[] Close => [EBADF, EINTR, EIO, ENOSPC, EDQUOT];

    /// <summary>setsockopt(2), and socket(7) for <c>EDOM</c> and <c>EPERM</c>.</summary>
    public static Errno[] SetOption => [EBADF, EFAULT, EINVAL, ENOPROTOOPT, ENOTSOCK, EDOM, ENOMEM, EPERM];

    /// <summary>setsockopt(2) of <c>SO_BINDTODEVICE</c>, socket(7).</summary>
    public static Errno[] BindToDevice => [EBADF, EFAULT, EINVAL, ENODEV, ENOPROTOOPT, ENOTSOCK, EPERM];

    /// <summary>getsockopt(2).</summary>
    public static Errno[] GetOption => [EBADF, EFAULT, EINVAL, ENOPROTOOPT, ENOTSOCK];

    /// <summary>getsockopt(2) of <c>SO_ERROR</c>: its own, and those that a socket has pending.</summary>
    public static Errno[] SocketError => [.. GetOption, ECONNREFUSED, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EACCES];

    /// <summary>getsockname(2).</summary>
    public static Errno[] LocalAddress => [EBADF, EFAULT, EINVAL, ENOBUFS, ENOTSOCK];

    /// <summary>getpeername(2).</summary>
    public static Errno[] PeerAddress => [EBADF, EFAULT, EINVAL, ENOBUFS, ENOTCONN, ENOTSOCK];

    /// <summary>unlink(2).</summary>
    public static Errno[] Unlink => [EACCES, EBUSY, EFAULT, EIO, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EPERM, EROFS];

    /// <summary>statx(2).</summary>
    public static Errno[] IsStaleSocket => [EACCES, EBADF, EFAULT, EINVAL, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR];

    /// <summary>chmod(2).</summary>
    public static Errno[] SetMode => [EACCES, EFAULT, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EPERM, EROFS];

    /// <summary>fcntl(2) of F_SETFL and F_SETFD, getsockopt(2), and EINVAL of our own.</summary>
    public static Errno[] Adopt => [EBADF, EINTR, EINVAL, ENOTSOCK, EOPNOTSUPP, EPERM];

    /// <summary>chown(2).</summary>
    public static Errno[] SetOwner => [EACCES, EFAULT, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EPERM, EROFS];

    /// <summary>epoll_create1(2), eventfd(2).</summary>
    public static Errno[] CreatePoller => [EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM];

    /// <summary>epoll_ctl(2).</summary>
    public static Errno[] Control => [EBADF, EEXIST, EINVAL, ELOOP, ENOENT, ENOMEM, ENOSPC, EPERM];

    /// <summary>epoll_wait(2).</summary>
    public static Errno[] Wait => [EBADF, EFAULT, EINTR, EINVAL];

    /// <summary>write(2), eventfd(2).</summary>
    public static Errno[] Wake => [EAGAIN, EBADF, EDESTADDRREQ, EDQUOT, EFAULT, EFBIG, EINTR, EINVAL, EIO, ENOSPC, EPERM, EPIPE];
}
