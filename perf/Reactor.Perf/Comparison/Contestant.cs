namespace Reactor.Perf.Comparison;

/// <summary>A program that takes part: its name on the command line and in the table, and how it is started.</summary>
internal sealed record Contestant(string Name, string Description, bool InDefault, IReadOnlyList<string> Command)
{
    /// <summary>The one by hand in C that the others are measured against, in each role that has one.</summary>
    public const string InC = "epoll";

    private static readonly IReadOnlyDictionary<string, string> OneGoProcessor = Setting("GOMAXPROCS", "1");

    // Where .NET sees one processor it waits ten times as long before it compiles what is hot, and again for each tier: most of
    // a minute. That is about starting, which is not what is measured.
    private static readonly IReadOnlyDictionary<string, string> CompilesSoon = Setting("DOTNET_TC_DelaySingleProcMultiplier", "1");

    private static readonly IReadOnlyDictionary<string, string> InlineCompletions =
        new Dictionary<string, string>(CompilesSoon, StringComparer.Ordinal) { ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1" };

    /// <summary>A name may stand once in each role.</summary>
    public Role Role { get; init; } = Role.Echo;

    public bool IsManaged { get; init; }

    /// <summary>Whether it is faster after some seconds, when what is hot was compiled.</summary>
    public bool CompilesWhileItRuns => IsManaged || Name is "netty";

    /// <summary>Made by <c>perf/peers/build</c>, so it may be missing.</summary>
    public bool IsBuiltPeer { get; init; }

    /// <summary>Settings of the runtime that it needs and that have no other way in than the environment.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public static IReadOnlyList<Contestant> All { get; } = [.. Echoes(), .. FanOuts(), .. Proxies(), .. Storms(), .. EchoesWithTimers()];

    private static IEnumerable<Contestant> Echoes() =>
    [
        new(InC, "C, level triggered", InDefault: true, [Programs.EpollEcho]),
        new("epoll-edge", "C, edge triggered", InDefault: false, [Programs.EpollEcho, "--edge"]),
        new("epoll-state", "C, level triggered, with a record and an input buffer a connection", InDefault: false, [Programs.EpollEcho, "--state"]),
        Peer("uv", "C on libuv"),
        Peer("event", "C on libevent's bufferevent"),
        Peer("asio", "C++ on Asio, Boost's too: a session a connection"),
        Peer("go", "Go: a goroutine a connection") with { Environment = OneGoProcessor },
        Peer("mio", "Rust on mio"),
        Peer("netty", "Java on Netty: one event loop, native epoll where it is there"),
        Managed("kestrel", "a connection handler on Kestrel's socket transport", inDefault: true),
        Managed("kestrel-inline", "the same with UnsafePreferInlineScheduling", inDefault: false),
        Managed("socket", "a task a connection over Socket.ReceiveAsync and SendAsync", inDefault: true),
        Managed("socket", "the same with completions on the poller's thread", inDefault: false) with { Name = "socket-inline", Environment = InlineCompletions },
        Managed("reactor", "Reactor, Handlers.Echo on one loop", inDefault: true),
        Managed("reactor-spin", "the same with a SpinTime of 50 us", inDefault: false),
    ];

    private static IEnumerable<Contestant> FanOuts() =>
    [
        new(InC, "C, level triggered, a queue a receiver", InDefault: true, [Programs.EpollFanOut]) { Role = Role.FanOut },
        Peer("uv", "C on libuv, uv_try_write to each", Role.FanOut),
        Managed("kestrel", "connection handlers on Kestrel's socket transport, a queue a receiver", inDefault: true, Role.FanOut),
        Managed("kestrel-inline", "the same with UnsafePreferInlineScheduling", inDefault: false, Role.FanOut),
        Managed("socket", "a task a connection over Socket.ReceiveAsync and SendAsync, a queue a receiver", inDefault: true, Role.FanOut),
        Managed("socket", "the same with completions on the poller's thread", inDefault: false, Role.FanOut) with { Name = "socket-inline", Environment = InlineCompletions },
        Managed("reactor", "Reactor, a set of connections on one loop, write and flush to each", inDefault: true, Role.FanOut),
    ];

    private static IEnumerable<Contestant> Proxies() =>
    [
        new(InC, "C, level triggered", InDefault: true, [Programs.EpollProxy]) { Role = Role.Proxy },
        Peer("haproxy", "haproxy in TCP mode, one thread", Role.Proxy),
        Peer("haproxy-splice", "the same with option splice-auto", Role.Proxy),
        Peer("nginx", "nginx with its stream module, one process", Role.Proxy) with { InDefault = true },
        Managed("reactor", "Reactor, examples/TcpProxy on one loop", inDefault: true, Role.Proxy),
    ];

    private static IEnumerable<Contestant> Storms() =>
    [
        new(InC, "C by hand, edge triggered", InDefault: true, [Programs.EpollStorm]) { Role = Role.Storm },
        Peer("uv", "C on libuv: uv_tcp_connect", Role.Storm),
        Peer("go", "Go: a goroutine for each connect under way, net.Dial", Role.Storm) with { Environment = OneGoProcessor },
        Managed("socket", "a task for each connect under way, Socket.ConnectAsync", inDefault: true, Role.Storm),
        Managed("socket", "the same with completions on the poller's thread", inDefault: false, Role.Storm) with { Name = "socket-inline", Environment = InlineCompletions },
        Managed("reactor", "Reactor, a task for each connect under way on one loop, TryConnectAsync", inDefault: true, Role.Storm),
        Managed("reactor-queued", "Reactor, all dials at once and ConnectOptions.MaxInFlight", inDefault: false, Role.Storm),
    ];

    // The programs of the echo, told by the scenario how many timers they have beside.
    private static IEnumerable<Contestant> EchoesWithTimers() =>
    [
        Peer("uv", "C on libuv: a uv_timer_t a connection") with { Role = Role.Timers },
        Peer("go", "Go: a time.AfterFunc a connection") with { Role = Role.Timers, Environment = OneGoProcessor },
        Managed("kestrel", "Kestrel with a System.Threading.Timer a connection", inDefault: false, Role.Timers),
        Managed("socket", "Socket with a System.Threading.Timer a connection", inDefault: true, Role.Timers),
        Managed("reactor", "Reactor with a LoopTimer a connection", inDefault: true, Role.Timers),
    ];

    private static Contestant Peer(string name, string description, Role role = Role.Echo) =>
        new(name, description, InDefault: false, [Peers.Program(name, role)]) { Role = role, IsBuiltPeer = true };

    private static Contestant Managed(string kind, string description, bool inDefault, Role role = Role.Echo) =>
        new(kind, description, inDefault, [.. Programs.Self, .. Arguments(kind, role)]) { Role = role, IsManaged = true, Environment = CompilesSoon };

    // What else makes a server one of its role, as the port of a proxy's upstream, the scenario tells it.
    private static string[] Arguments(string kind, Role role) => role switch
    {
        Role.Storm => ["storm", kind],
        Role.FanOut => ["serve", kind, "--fan-out"],
        _ => ["serve", kind],
    };

    private static Dictionary<string, string> Setting(string variable, string value) => new(StringComparer.Ordinal) { [variable] = value };
}
