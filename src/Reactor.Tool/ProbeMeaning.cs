using System.Net;
using System.Net.Sockets;

namespace Reactor.Tool;

/// <summary>Says in one sentence what the outcome of a connect means on the wire.</summary>
internal static class ProbeMeaning
{
    // The kernel asks three times, a second apart, who has an address of the local network (arp(7): mcast_solicit,
    // retrans_time). A router's answer comes sooner; so the time tells the two apart.
    private static readonly TimeSpan _neighbourSearch = TimeSpan.FromSeconds(2.5);

    /// <summary>The sentence for an attempt.</summary>
    public static string Of(ConnectAttempt attempt) => attempt.Outcome switch
    {
        ConnectOutcome.Connected when IsUnix(attempt) => "A listener took the connection.",
        ConnectOutcome.Connected => "A SYN-ACK came back: something listens there.",
        ConnectOutcome.Canceled => "It was stopped before an answer came.",
        ConnectOutcome.TimedOut when attempt.Errno == Errno.None && IsUnix(attempt) =>
            "Our own timeout ended the wait: the listener's backlog is full, and it does not accept.",
        ConnectOutcome.TimedOut when attempt.Errno == Errno.None =>
            "Nothing came back until our own timeout: packets are dropped on the way, the host is down, or its backlog is full.",
        _ when IsUnix(attempt) => OfUnix(attempt) ?? OfLocal(attempt) ?? Fallback(attempt),
        _ when attempt is { IsImmediate: true, Syscall: "connect" } => OfConnect(attempt) ?? OfAnswer(attempt) ?? OfLocal(attempt) ?? Fallback(attempt),
        _ when attempt.IsImmediate => OfLocal(attempt) ?? Fallback(attempt),
        _ => OfAnswer(attempt) ?? OfLocal(attempt) ?? Fallback(attempt),
    };

    private static bool IsUnix(ConnectAttempt attempt) => attempt.EndPoint.AddressFamily == AddressFamily.Unix;

    // connect(2) itself failed: the kernel knew before it sent anything.
    private static string? OfConnect(ConnectAttempt attempt) => attempt.Errno switch
    {
        Errno.ENETUNREACH => "There is no route from here to that address (a broadcast or multicast address has none), so nothing was sent.",
        Errno.EHOSTUNREACH => "The routing table here has that host as unreachable, so nothing was sent.",
        Errno.EACCES => "A rule of this machine forbids that address, or it is a broadcast address, so nothing was sent.",
        Errno.EPERM => "A firewall of this machine forbids it, so nothing was sent.",
        Errno.EADDRNOTAVAIL => "No local port is left for that address, or the address cannot be dialled, so nothing was sent.",
        Errno.EAGAIN => "No local port is left for that address, so nothing was sent.",
        Errno.EINVAL when attempt.EndPoint is IPEndPoint { Address: { IsIPv6LinkLocal: true, ScopeId: 0 } } =>
            "A link-local address needs its network interface, as in fe80::1%eth0, so nothing was sent.",
        _ => null,
    };

    // The handshake was under way: something came back, or nothing did.
    private static string? OfAnswer(ConnectAttempt attempt) => attempt.Errno switch
    {
        Errno.ECONNREFUSED => "A RST came back (or an ICMP port unreachable): the host is there and nothing listens on the port, or a firewall refuses in its name.",
        Errno.ECONNRESET or Errno.ECONNABORTED => "A RST came back in the middle of the handshake: something at the other end, or on the way, cut it off.",
        Errno.ETIMEDOUT => "Nothing came back, and the kernel gave up after sending its SYN several times: packets are dropped on the way, or the host is down.",
        Errno.EHOSTUNREACH when attempt.Elapsed >= _neighbourSearch => "Nobody answered for that address on the local network: no host there has it, or the host is down.",
        Errno.EHOSTUNREACH => "A router said that the host is unreachable, or a firewall said so in its name.",
        Errno.ENETUNREACH => "A router said that the network is unreachable.",
        Errno.EACCES or Errno.EPERM => "A router or a firewall said that it is forbidden.",
        Errno.ENETDOWN => "The network interface towards that address is down.",
        _ => null,
    };

    // What fails on this machine, whatever is dialled.
    private static string? OfLocal(ConnectAttempt attempt) => attempt.Errno switch
    {
        Errno.EADDRNOTAVAIL => "The source address is none of this machine's, so nothing was sent.",
        Errno.EADDRINUSE => "The source port is in use on this machine, so nothing was sent.",
        Errno.EACCES when attempt.Syscall is "bind" => "This user may not use that source port, so nothing was sent.",
        Errno.EMFILE => "This process has no descriptor left for a socket, so nothing was sent.",
        Errno.ENFILE => "This machine has no descriptor left for a socket, so nothing was sent.",
        Errno.ENOBUFS or Errno.ENOMEM => "The kernel has no memory left for a socket, so nothing was sent.",
        Errno.EAFNOSUPPORT => "This machine does not have that address family, so nothing was sent.",
        Errno.EINVAL => "The source and the target address do not go together, so nothing was sent.",
        _ => null,
    };

    private static string? OfUnix(ConnectAttempt attempt) => attempt.Errno switch
    {
        Errno.ECONNREFUSED when attempt.EndPoint.ToString() is ['@', ..] => "Nobody listens under that abstract name.",
        Errno.ECONNREFUSED => "The path is there but nobody listens on it: the one who did has ended and left it behind, or it is no socket.",
        Errno.ENOENT => "There is no such path: nobody has listened there, or whoever did has removed it.",
        Errno.ENOTDIR => "A part of the path is no directory.",
        Errno.EAGAIN => "The listener's backlog is full: somebody listens there and does not accept fast enough.",
        Errno.EACCES => "The permissions of the socket, or of a directory above it, do not let this user in.",
        Errno.EPROTOTYPE => "The socket there is none of a stream: it takes datagrams or packets.",
        Errno.ECONNRESET => "The listener was closed in the same moment.",
        _ => null,
    };

    private static string Fallback(ConnectAttempt attempt) =>
        $"{attempt.Syscall ?? "The connect"} failed: {(attempt.Errno == Errno.None ? "no reason was given" : attempt.Errno.Text)}.";
}
