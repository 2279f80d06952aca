using System.Net.Sockets;

namespace Reactor;

/// <summary>What an errno says about how a connect ended. See connect(2), ip(7), tcp(7) and unix(7).</summary>
internal static class ConnectErrors
{
    /// <summary>Sorts an errno.</summary>
    /// <param name="errno">The errno.</param>
    /// <param name="family">The socket's family.</param>
    /// <param name="isImmediate">Whether the call answered it, and not SO_ERROR later.</param>
    internal static ConnectOutcome Classify(Errno errno, AddressFamily family, bool isImmediate) => errno switch
    {
        // A reset for our SYN, or an ICMP port unreachable.
        Errno.ECONNREFUSED => ConnectOutcome.Refused,

        // The kernel sent its SYNs and heard nothing.
        Errno.ETIMEDOUT => ConnectOutcome.TimedOut,

        // No route (at once), an ICMP unreachable, or no answer to ARP.
        Errno.ENETUNREACH or Errno.EHOSTUNREACH or Errno.EHOSTDOWN => ConnectOutcome.Unreachable,

        // ICMPv6 "administratively prohibited" arrives as EACCES. From the call itself EACCES is a rule of this host.
        Errno.EACCES when !isImmediate => ConnectOutcome.Unreachable,

        // Not our address, or no port left to dial from; older kernels say the latter with EAGAIN.
        Errno.EADDRNOTAVAIL or Errno.EADDRINUSE => ConnectOutcome.AddressUnavailable,
        Errno.EAGAIN when family != AddressFamily.Unix => ConnectOutcome.AddressUnavailable,

        // With the rest EAGAIN on a Unix-domain socket: the listener's backlog is full.
        _ => ConnectOutcome.Failed,
    };

    /// <summary>Whether connect(2) has begun a handshake of which the poller will tell the end.</summary>
    /// <remarks>After EINTR the handshake goes on; a second connect would answer EALREADY. On a Unix-domain socket there is none of these.</remarks>
    internal static bool IsUnderWay(Errno errno) => errno is Errno.EINPROGRESS or Errno.EINTR or Errno.EALREADY;
}
