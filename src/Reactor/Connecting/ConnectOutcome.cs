namespace Reactor;

/// <summary>How a connect ended.</summary>
public enum ConnectOutcome
{
    /// <summary>There is a connection.</summary>
    Connected,

    /// <summary><c>ECONNREFUSED</c>: nobody listens there; a reset came back.</summary>
    Refused,

    /// <summary>
    /// Nothing came back in time. With errno <see cref="Errno.ETIMEDOUT"/> it was the kernel that gave up, with none it was
    /// <see cref="ConnectOptions.ConnectTimeout"/>.
    /// </summary>
    TimedOut,

    /// <summary><c>ENETUNREACH</c>, <c>EHOSTUNREACH</c> or <c>EHOSTDOWN</c>: no route here, or a router says so.</summary>
    Unreachable,

    /// <summary><c>EADDRNOTAVAIL</c> or <c>EADDRINUSE</c>: the address to dial from is not ours, is taken, or has no port left.</summary>
    AddressUnavailable,

    /// <summary>The caller's token was cancelled, or the loop ended.</summary>
    Canceled,

    /// <summary>The host name has no address.</summary>
    ResolveFailed,

    /// <summary>Something else; the errno says what.</summary>
    Failed,
}
