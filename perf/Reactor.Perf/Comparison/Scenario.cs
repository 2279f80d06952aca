using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>What is asked of each contestant of its role, and how that is measured.</summary>
internal abstract record Scenario
{
    public static IReadOnlyList<Scenario> Default { get; } =
    [
        new EchoScenario(1, 64),
        new EchoScenario(64, 64),
        new EchoScenario(1_000, 64),
        new EchoScenario(10_000, 64),
        new EchoScenario(64, 1_024),
        new EchoScenario(64, 16 * 1_024),
        new EchoScenario(64, 64, Depth: 16),
        new ChurnScenario(512),
        new FanOutScenario(1_000),
        new ProxyScenario(64, 64),
        new ProxyScenario(64, 16 * 1_024),
        new StormScenario(StormScenario.DefaultCount, 1),
        new StormScenario(StormScenario.DefaultCount, 64),
        new StormScenario(StormScenario.DefaultCount, 512),
        new StormScenario(StormScenario.DefaultCount, 4_096),
        new IdleProcessorScenario(),
        new IdleMemoryScenario(9_000),
        new TimersScenario(0),
        new TimersScenario(1_000_000),
    ];

    /// <summary>On the command line and in results.</summary>
    public abstract string Name { get; }

    public abstract string Title { get; }

    /// <summary>Who takes part.</summary>
    public abstract Role Role { get; }

    /// <summary>The contestant that the others are measured against.</summary>
    public virtual string Yardstick => Contestant.InC;

    /// <summary>What is counted in a cell: a request, or what the scenario has in its place.</summary>
    public virtual string Unit => "request";

    /// <summary>Those with the same name share a picture.</summary>
    public virtual string Group => Role.ToString().ToLowerInvariant();

    /// <summary>What the ratio to the yardstick is taken of.</summary>
    public virtual Figure Figure => Figure.CpuPer(Unit);

    /// <summary>Whether one who does not use the whole of its core was kept from it, so that its cell says nothing.</summary>
    public abstract bool SaturatesServer { get; }

    public static Scenario? Parse(string text) =>
        EchoScenario.Parse(text)
        ?? ChurnScenario.Parse(text)
        ?? FanOutScenario.Parse(text)
        ?? ProxyScenario.Parse(text)
        ?? StormScenario.Parse(text)
        ?? IdleProcessorScenario.Parse(text)
        ?? IdleMemoryScenario.Parse(text)
        ?? TimersScenario.Parse(text);

    /// <summary>Measures one contestant once. A <see cref="PeerException"/> says that it failed.</summary>
    public abstract Task<Cell> MeasureAsync(Cell cell, Contestant contestant, Options options, CancellationToken cancellationToken);

    public sealed override string ToString() => Name;

    /// <summary>The number at the end of a name that begins so; nothing for another name.</summary>
    protected static int? NumberAfter(string prefix, string name) =>
        name.StartsWith(prefix, StringComparison.Ordinal)
        && int.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    protected static bool IsCount(string text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value > 0;

    protected static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
}

/// <summary>What a contestant does in a scenario.</summary>
internal enum Role
{
    Echo,

    /// <summary>Sends whatever comes from one connection to all, the sender too.</summary>
    FanOut,

    /// <summary>Relays each connection to an upstream, whose port it is given.</summary>
    Proxy,

    /// <summary>Opens connections: the one that is no server but a client.</summary>
    Storm,

    /// <summary>Echo with a timer a connection, that each request starts anew, and more that are pending.</summary>
    Timers,
}
