namespace Reactor.Perf.Comparison;

/// <summary>A server that takes part: its name on the command line and in the table, and how it is started.</summary>
internal sealed record Contestant(string Name, string Description, bool InDefault, IReadOnlyList<string> Command)
{
    /// <summary>The server that the others are measured against.</summary>
    public const string Yardstick = "epoll";

    public bool IsManaged { get; init; }

    /// <summary>Settings of the runtime that it needs and that have no other way in than the environment.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public static IReadOnlyList<Contestant> All { get; } =
    [
        new(Yardstick, "C, level triggered", InDefault: true, [Programs.EpollEcho]),
        new("epoll-edge", "C, edge triggered", InDefault: false, [Programs.EpollEcho, "--edge"]),
        Managed("kestrel", "a connection handler on Kestrel's socket transport", inDefault: true),
        Managed("kestrel-inline", "the same with UnsafePreferInlineScheduling", inDefault: false),
        Managed("socket", "a task a connection over Socket.ReceiveAsync and SendAsync", inDefault: true),
        Managed("socket", "the same with completions on the poller's thread", inDefault: false) with
        {
            Name = "socket-inline",
            Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1" },
        },
        Managed("reactor", "Reactor, Handlers.Echo on one loop", inDefault: true),
    ];

    private static Contestant Managed(string kind, string description, bool inDefault) =>
        new(kind, description, inDefault, [.. Programs.Self, "serve", kind]) { IsManaged = true };
}
