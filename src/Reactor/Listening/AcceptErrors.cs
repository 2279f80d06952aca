namespace Reactor;

/// <summary>What an errno of accept4(2) asks for.</summary>
internal static class AcceptErrors
{
    internal enum Kind
    {
        /// <summary>None waits: the poller will tell of the next.</summary>
        Drained,

        /// <summary>That connection is gone, the next one is not.</summary>
        Skip,

        /// <summary>Descriptors or memory have run out: the connection still waits in the backlog.</summary>
        Exhausted,

        /// <summary>The listening socket itself is no good.</summary>
        Fatal,
    }

    internal static Kind Classify(Errno errno) => errno switch
    {
        Errno.EAGAIN => Kind.Drained,

        // The client gave up while it waited, or a signal came.
        Errno.ECONNABORTED or Errno.EINTR or Errno.EPERM => Kind.Skip,

        // Linux hands on network errors that are pending on the new socket; accept(2) says to treat them as "try again".
        Errno.EPROTO or Errno.ENETDOWN or Errno.ENOPROTOOPT or Errno.EHOSTDOWN or Errno.ENONET
            or Errno.EHOSTUNREACH or Errno.EOPNOTSUPP or Errno.ENETUNREACH => Kind.Skip,

        // "Depending on the kernel" (accept(2)) these may come of the new socket, too.
        Errno.ETIMEDOUT or Errno.EPROTONOSUPPORT or Errno.ESOCKTNOSUPPORT => Kind.Skip,

        Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM or Errno.ENOSR => Kind.Exhausted,

        // EBADF, EINVAL, ENOTSOCK, EFAULT: retrying would spin for ever.
        _ => Kind.Fatal,
    };
}
