namespace Reactor;

/// <summary>The errno numbers of macOS and our own, which are Linux's, turned into each other (<c>sys/errno.h</c>).</summary>
internal static class DarwinErrno
{
    // What Linux has no name for is this and its number.
    internal const int Foreign = 1000;

    // The numbers 1 to 34 mean the same on both, but for 11; these are 35 and the following.
    private const int First = 35;
    private static readonly Errno[] _fromFirst =
    [
        Errno.EAGAIN, Errno.EINPROGRESS, Errno.EALREADY, Errno.ENOTSOCK, Errno.EDESTADDRREQ,
        Errno.EMSGSIZE, Errno.EPROTOTYPE, Errno.ENOPROTOOPT, Errno.EPROTONOSUPPORT, Errno.ESOCKTNOSUPPORT,
        Errno.EOPNOTSUPP, Errno.EPFNOSUPPORT, Errno.EAFNOSUPPORT, Errno.EADDRINUSE, Errno.EADDRNOTAVAIL,
        Errno.ENETDOWN, Errno.ENETUNREACH, Errno.ENETRESET, Errno.ECONNABORTED, Errno.ECONNRESET,
        Errno.ENOBUFS, Errno.EISCONN, Errno.ENOTCONN, Errno.ESHUTDOWN, Errno.ETOOMANYREFS,
        Errno.ETIMEDOUT, Errno.ECONNREFUSED, Errno.ELOOP, Errno.ENAMETOOLONG, Errno.EHOSTDOWN,
        Errno.EHOSTUNREACH, Errno.ENOTEMPTY, Errno.None, Errno.EUSERS, Errno.EDQUOT,
        Errno.ESTALE, Errno.EREMOTE, Errno.None, Errno.None, Errno.None,
        Errno.None, Errno.None, Errno.ENOLCK, Errno.ENOSYS, Errno.None,
        Errno.None, Errno.None, Errno.None, Errno.None, Errno.EOVERFLOW,
        Errno.None, Errno.None, Errno.None, Errno.None, Errno.ECANCELED,
        Errno.EIDRM, Errno.ENOMSG, Errno.EILSEQ, Errno.None, Errno.EBADMSG,
        Errno.EMULTIHOP, Errno.ENODATA, Errno.ENOLINK, Errno.ENOSR, Errno.ENOSTR,
        Errno.EPROTO, Errno.ETIME, Errno.EOPNOTSUPP, Errno.None, Errno.ENOTRECOVERABLE,
        Errno.EOWNERDEAD,

        // EQFULL: the interface's queue has no room, which Linux calls ENOBUFS.
        Errno.ENOBUFS,
    ];

    /// <summary>The errno of macOS as ours.</summary>
    internal static Errno FromNative(int native)
    {
        if (native is >= 0 and < First) return native == 11 ? Errno.EDEADLK : (Errno)native;
        var errno = native >= First && native - First < _fromFirst.Length ? _fromFirst[native - First] : Errno.None;
        return errno == Errno.None ? (Errno)(Foreign + native) : errno;
    }

    /// <summary>Our errno in the numbers of macOS; one that macOS does not know stays as it is.</summary>
    internal static int ToNative(Errno errno)
    {
        if (errno == Errno.EDEADLK) return 11;

        // 45 is ENOTSUP, which is the same on Linux and another on macOS.
        if (errno == Errno.EOPNOTSUPP) return 102;
        if ((int)errno >= Foreign) return (int)errno - Foreign;
        var index = Array.IndexOf(_fromFirst, errno);
        return index < 0 || errno == Errno.None ? (int)errno : First + index;
    }
}
