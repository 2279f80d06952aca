namespace Reactor.Perf.Comparison;

/// <summary>A program that takes part: its name on the command line and in the table, and how it is started.</summary>
internal sealed record Contestant(string Name, string Description, bool InDefault, IReadOnlyList<string> Command)
{
    /// <summary>The one by hand in C that the others are measured against, in each role that has one.</summary>
    public const string InC = "epoll";

    /// <summary>A name may stand once in each role.</summary>
    public Role Role { get; init; } = Role.Echo;

    public bool IsManaged { get; init; }

    /// <summary>Made by <c>perf/peers/build</c>, so it may be missing.</summary>
    public bool IsBuiltPeer { get; init; }

    /// <summary>Settings of the runtime that it needs and that have no other way in than the environment.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public static IReadOnlyList<Contestant> All { get; } =
    [
        new(InC, "C, level triggered", InDefault: true, [Programs.EpollEcho]),
        new("epoll-edge", "C, edge triggered", InDefault: false, [Programs.EpollEcho, "--edge"]),
        new("epoll-state", "C, level triggered, with a record and an input buffer a connection", InDefault: false, [Programs.EpollEcho, "--state"]),
        Peer("uv", "C on libuv"),
        Peer("event", "C on libevent's bufferevent"),
        Peer("asio", "C++ on Asio, Boost's too: a session a connection"),
        Peer("go", "Go: a goroutine a connection") with
        {
            Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["GOMAXPROCS"] = "1" },
        },
        Peer("mio", "Rust on mio"),
        Peer("netty", "Java on Netty: one event loop, native epoll where it is there"),
        Managed("kestrel", "a connection handler on Kestrel's socket transport", inDefault: true),
        Managed("kestrel-inline", "the same with UnsafePreferInlineScheduling", inDefault: false),
        Managed("socket", "a task a connection over Socket.ReceiveAsync and SendAsync", inDefault: true),
        Managed("socket", "the same with completions on the poller's thread", inDefault: false) with
        {
            Name = "socket-inline",
            Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1" },
        },
        Managed("reactor", "Reactor, Handlers.Echo on one loop", inDefault: true),
        Managed("reactor-spin", "the same with a SpinTime of 50 us", inDefault: false),
    ];

    private static Contestant Peer(string name, string description) =>
        new(name, description, InDefault: false, [Peers.Program(name)]) { IsBuiltPeer = true };

    private static Contestant Managed(string kind, string description, bool inDefault) =>
        new(kind, description, inDefault, [.. Programs.Self, "serve", kind]) { IsManaged = true };
}
