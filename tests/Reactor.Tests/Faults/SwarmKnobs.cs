namespace Reactor.Tests;

/// <summary>What differs from one swarm to the next, all of it drawn from a seed.</summary>
internal sealed record SwarmKnobs
{
    public required FaultRates Rates { get; init; }

    public required int EventsPerTurn { get; init; }

    /// <summary>How many connections there are at once.</summary>
    public required int Connections { get; init; }

    /// <summary>The most that one of them sends.</summary>
    public required int MostBytes { get; init; }

    /// <summary>The most that it sends with one write.</summary>
    public required int MostBytesAtOnce { get; init; }

    public required ConnectOptions Connect { get; init; }

    public required ListenOptions Listen { get; init; }

    public required bool IsUnix { get; init; }

    /// <summary>Whether calls fail for good, and connections with them.</summary>
    public bool IsDeadly => Rates.Fails > 0;

    public static SwarmKnobs Draw(Random random)
    {
        var high = 1 << random.Next(0, 18);
        var low = random.Next(0, high);
        int? sendBuffer = random.Next(2) == 0 ? null : 1 << random.Next(12, 17);
        return new SwarmKnobs
        {
            Rates = new FaultRates(random.Next())
            {
                Interrupted = Rate(random, 0.3),
                CutShort = Rate(random, 0.6),
                Late = Rate(random, 0.1),
                Spurious = Rate(random, 0.3),
                Fails = Rate(random, 0.02),
                LongestDelay = TimeSpan.FromMilliseconds(random.Next(1, 10)),
            },
            EventsPerTurn = random.GetItems([1, 2, 3, 16, 256], 1)[0],
            Connections = random.Next(1, 25),
            MostBytes = 1 << random.Next(4, 19),
            MostBytesAtOnce = 1 << random.Next(2, 18),
            Connect = new ConnectOptions { SendHighWatermark = high, SendLowWatermark = low, SendBufferSize = sendBuffer, ConnectTimeout = TimeSpan.FromSeconds(5) },
            Listen = new ListenOptions { SendHighWatermark = high, SendLowWatermark = low, SendBufferSize = sendBuffer },
            IsUnix = random.Next(4) == 0,
        };
    }

    public override string ToString() =>
        $"{Rates}, {EventsPerTurn} events a turn, {Connections} connections, at most {MostBytes} bytes and {MostBytesAtOnce} at once, "
        + $"watermarks {Connect.SendHighWatermark} and {Connect.SendLowWatermark}, send buffer {Connect.SendBufferSize?.ToString() ?? "as it is"}, {(IsUnix ? "Unix-domain" : "TCP")}";

    // Often not at all, so that each kind of fault also meets the others alone.
    private static double Rate(Random random, double most) => random.Next(2) == 0 ? 0 : random.NextDouble() * most;
}
