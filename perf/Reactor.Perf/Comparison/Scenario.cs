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
    ];

    /// <summary>On the command line and in results.</summary>
    public abstract string Name { get; }

    public abstract string Title { get; }

    /// <summary>Who takes part.</summary>
    public abstract Role Role { get; }

    /// <summary>The contestant that the others are measured against.</summary>
    public virtual string Yardstick => Contestant.InC;

    /// <summary>Whether one who does not use the whole of its core was kept from it, so that its cell says nothing.</summary>
    public abstract bool SaturatesServer { get; }

    public static Scenario? Parse(string text) => EchoScenario.Parse(text);

    /// <summary>Measures one contestant once. A <see cref="PeerException"/> says that it failed.</summary>
    public abstract Task<Cell> MeasureAsync(Cell cell, Contestant contestant, Options options, CancellationToken cancellationToken);

    public sealed override string ToString() => Name;
}

/// <summary>What a contestant does in a scenario.</summary>
internal enum Role
{
    Echo,
}
