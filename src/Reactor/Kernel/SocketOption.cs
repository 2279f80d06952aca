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
}
