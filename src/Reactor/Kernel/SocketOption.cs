namespace Reactor;

/// <summary>The socket options that the framework sets, each an <see cref="int"/>. See socket(7), ip(7), ipv6(7) and tcp(7).</summary>
public enum SocketOption
{
    /// <summary><c>SO_REUSEADDR</c>: 0 or 1.</summary>
    ReuseAddress,

    /// <summary><c>SO_REUSEPORT</c>: 0 or 1.</summary>
    ReusePort,

    /// <summary><c>SO_LINGER</c> switched on with this many seconds; 0 makes close(2) reset the connection.</summary>
    Linger,

    /// <summary><c>TCP_NODELAY</c>: 0 or 1. An accepted socket inherits it from its listener.</summary>
    NoDelay,

    /// <summary><c>IPV6_V6ONLY</c>: 0 or 1, before bind(2).</summary>
    IPv6Only,

    /// <summary><c>IP_BIND_ADDRESS_NO_PORT</c>: 0 or 1. With it, bind(2) to port 0 leaves the choice of port to connect(2).</summary>
    BindAddressNoPort,

    /// <summary><c>SO_KEEPALIVE</c>: 0 or 1.</summary>
    KeepAlive,

    /// <summary><c>TCP_KEEPIDLE</c>: seconds of silence before the first probe.</summary>
    KeepAliveIdle,

    /// <summary><c>TCP_KEEPINTVL</c>: seconds between probes.</summary>
    KeepAliveInterval,

    /// <summary><c>TCP_KEEPCNT</c>: unanswered probes after which the connection is given up.</summary>
    KeepAliveCount,

    /// <summary><c>TCP_USER_TIMEOUT</c>: milliseconds that sent bytes may stay unacknowledged (RFC 5482); 0 for the system's own.</summary>
    UserTimeout,

    /// <summary><c>SO_SNDBUF</c>: bytes. Linux doubles it and caps it at <c>net.core.wmem_max</c>.</summary>
    SendBuffer,

    /// <summary><c>SO_RCVBUF</c>: bytes. Linux doubles it and caps it at <c>net.core.rmem_max</c>.</summary>
    ReceiveBuffer,

    /// <summary><c>IP_TOS</c>: the byte of the IPv4 header, 0 to 255.</summary>
    TypeOfService,

    /// <summary><c>IPV6_TCLASS</c>: the same byte of the IPv6 header.</summary>
    TrafficClass,

    /// <summary><c>SO_DONTROUTE</c>: 0 or 1. With it only hosts on a directly connected network are reached.</summary>
    DontRoute,

    /// <summary><c>SO_OOBINLINE</c>: 0 or 1. With it the urgent byte is received in the stream, behind the mark.</summary>
    OutOfBandInline,

    /// <summary><c>TCP_FASTOPEN</c> of a listener: how many connections may wait whose handshake is not complete (RFC 7413).</summary>
    FastOpen,

    /// <summary><c>TCP_FASTOPEN_CONNECT</c>: 0 or 1. With it connect(2) may answer at once and the first send carries the SYN (RFC 7413).</summary>
    FastOpenConnect,

    /// <summary><c>TCP_DEFER_ACCEPT</c> of a listener: seconds for which a connection is accepted only once bytes have come.</summary>
    DeferAccept,
}

/// <summary>What the man pages call the options.</summary>
internal static class SocketOptionNames
{
    extension(SocketOption option)
    {
        /// <summary>The name in socket(7), ip(7), ipv6(7) or tcp(7).</summary>
        internal string NativeName => option switch
        {
            SocketOption.ReuseAddress => "SO_REUSEADDR",
            SocketOption.ReusePort => "SO_REUSEPORT",
            SocketOption.Linger => "SO_LINGER",
            SocketOption.NoDelay => "TCP_NODELAY",
            SocketOption.IPv6Only => "IPV6_V6ONLY",
            SocketOption.BindAddressNoPort => "IP_BIND_ADDRESS_NO_PORT",
            SocketOption.KeepAlive => "SO_KEEPALIVE",
            SocketOption.KeepAliveIdle => "TCP_KEEPIDLE",
            SocketOption.KeepAliveInterval => "TCP_KEEPINTVL",
            SocketOption.KeepAliveCount => "TCP_KEEPCNT",
            SocketOption.UserTimeout => "TCP_USER_TIMEOUT",
            SocketOption.SendBuffer => "SO_SNDBUF",
            SocketOption.ReceiveBuffer => "SO_RCVBUF",
            SocketOption.TypeOfService => "IP_TOS",
            SocketOption.TrafficClass => "IPV6_TCLASS",
            SocketOption.DontRoute => "SO_DONTROUTE",
            SocketOption.OutOfBandInline => "SO_OOBINLINE",
            SocketOption.FastOpen => "TCP_FASTOPEN",
            SocketOption.FastOpenConnect => "TCP_FASTOPEN_CONNECT",
            SocketOption.DeferAccept => "TCP_DEFER_ACCEPT",
            _ => option.ToString(),
        };
    }
}
