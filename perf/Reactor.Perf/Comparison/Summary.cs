namespace Reactor.Perf.Comparison;

/// <summary>One server in one scenario over all rounds: medians of the good cells.</summary>
internal sealed record Summary(string Scenario, string Title, string Server)
{
    /// <summary>Scenarios with the same one share a picture.</summary>
    public required string Group { get; init; }

    /// <summary>What is counted: requests, or what the scenario has in their place.</summary>
    public string Unit { get; init; } = "request";

    /// <summary>What the scenario compares its contestants by.</summary>
    public required Figure Figure { get; init; }

    /// <summary>The contestant that the ratio is taken to.</summary>
    public required string Yardstick { get; init; }

    public int GoodRounds { get; init; }

    /// <summary>The figure.</summary>
    public double? Value { get; init; }

    /// <summary>
    /// How good the figure is beside the yardstick's, round by round: 1.00 is as good, 0.50 half as good, that is twice
    /// the processor time where less is better. A round counts where both cells are good.
    /// </summary>
    public double? Ratio { get; init; }

    public double? LeastRatio { get; init; }

    public double? GreatestRatio { get; init; }

    public double? RequestsPerSecond { get; init; }

    /// <summary>Over the yardstick's, round by round.</summary>
    public double? RateRatio { get; init; }

    public double? CpuUsPerRequest { get; init; }

    /// <summary>Missing where a request has one reply.</summary>
    public double? CpuUsPerDelivery { get; init; }

    public double? SyscallsPerRequest { get; init; }

    public double? AllocatedPerRequest { get; init; }

    public double? LiveBytesPerConnection { get; init; }

    public double? IdleCpuMsPerSecond { get; init; }

    public double? IdleLoopCpuMsPerSecond { get; init; }

    public double? Busy { get; init; }

    public double? LoadIdle { get; init; }

    public double? P50Us { get; init; }

    public double? P99Us { get; init; }

    public static Summary Of(Scenario scenario, Contestant contestant, IReadOnlyList<Cell> cells)
    {
        var figure = scenario.Figure;
        var good = Good(contestant.Name);
        var yardstick = Good(scenario.Yardstick).ToDictionary(cell => cell.Round);
        var ratios = good
            .Select(cell => figure.Ratio(figure.Of(cell), Yardstick(cell, figure.Of)))
            .Where(ratio => ratio is not null)
            .ToList();
        return new(scenario.ToString(), scenario.Title, contestant.Name)
        {
            Group = scenario.Group,
            Unit = scenario.Unit,
            Figure = figure,
            Yardstick = scenario.Yardstick,
            GoodRounds = good.Count,
            Value = Median(good.Select(figure.Of)),
            Ratio = Median(ratios),
            LeastRatio = ratios.Min(),
            GreatestRatio = ratios.Max(),
            RequestsPerSecond = Median(good.Select(cell => cell.RequestsPerSecond)),
            RateRatio = Median(good.Select(cell => cell.RequestsPerSecond / Yardstick(cell, each => each.RequestsPerSecond))),
            CpuUsPerRequest = Median(good.Select(cell => cell.CpuUsPerRequest)),
            CpuUsPerDelivery = Median(good.Select(cell => cell.CpuUsPerDelivery)),
            SyscallsPerRequest = Median(good.Select(cell => cell.SyscallsPerRequest)),
            AllocatedPerRequest = Median(good.Select(cell => cell.AllocatedPerRequest)),
            LiveBytesPerConnection = Median(good.Select(cell => cell.LiveBytesPerConnection)),
            IdleCpuMsPerSecond = Median(good.Select(cell => cell.IdleCpuMsPerSecond)),
            IdleLoopCpuMsPerSecond = Median(good.Select(cell => cell.IdleLoopCpuMsPerSecond)),
            Busy = Median(good.Select(cell => cell.Busy)),
            LoadIdle = Median(good.Select(cell => cell.LoadIdle)),
            P50Us = Median(good.Select(cell => cell.Load?.P50Us)),
            P99Us = Median(good.Select(cell => cell.Load?.P99Us)),
        };

        List<Cell> Good(string server) =>
            [.. cells.Where(cell => cell.IsGood && IsOf(cell, scenario, server))];

        double? Yardstick(Cell cell, Func<Cell, double?> of) =>
            yardstick.TryGetValue(cell.Round, out var other) ? of(other) : null;
    }

    private static bool IsOf(Cell cell, Scenario scenario, string server) =>
        string.Equals(cell.Scenario, scenario.ToString(), StringComparison.Ordinal) && string.Equals(cell.Server, server, StringComparison.Ordinal);

    private static double? Median(IEnumerable<double?> values)
    {
        var sorted = values.Where(value => value is not null).Order().ToList();
        return sorted.Count == 0 ? null : (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
