namespace Reactor.Perf.Comparison;

/// <summary>One server in one scenario over all rounds: medians of the good cells.</summary>
internal sealed record Summary(string Scenario, string Title, string Server)
{
    public int GoodRounds { get; private init; }

    public double? RequestsPerSecond { get; private init; }

    public double? CpuUsPerRequest { get; private init; }

    /// <summary>
    /// The yardstick's processor time a request over this one's, round by round: 1.00 is as cheap, 0.50 costs twice as
    /// much. A round counts where both cells are good.
    /// </summary>
    public double? Ratio { get; private init; }

    public double? LeastRatio { get; private init; }

    public double? GreatestRatio { get; private init; }

    public double? AllocatedPerRequest { get; private init; }

    public double? Busy { get; private init; }

    public double? P50Us { get; private init; }

    public double? P99Us { get; private init; }

    public static Summary Of(Scenario scenario, Contestant contestant, IReadOnlyList<Cell> cells)
    {
        var good = Good(contestant.Name);
        var yardstick = Good(scenario.Yardstick).ToDictionary(cell => cell.Round, cell => cell.CpuUsPerRequest);
        var ratios = good
            .Select(cell => yardstick.GetValueOrDefault(cell.Round) / cell.CpuUsPerRequest)
            .Where(ratio => ratio is not null)
            .ToList();
        return new(scenario.ToString(), scenario.Title, contestant.Name)
        {
            GoodRounds = good.Count,
            RequestsPerSecond = Median(good.Select(cell => cell.RequestsPerSecond)),
            CpuUsPerRequest = Median(good.Select(cell => cell.CpuUsPerRequest)),
            Ratio = Median(ratios),
            LeastRatio = ratios.Min(),
            GreatestRatio = ratios.Max(),
            AllocatedPerRequest = Median(good.Select(cell => cell.AllocatedPerRequest)),
            Busy = Median(good.Select(cell => cell.Busy)),
            P50Us = Median(good.Select(cell => cell.Load?.P50Us)),
            P99Us = Median(good.Select(cell => cell.Load?.P99Us)),
        };

        List<Cell> Good(string server) =>
            [.. cells.Where(cell => cell.IsGood && IsOf(cell, scenario, server))];
    }

    private static bool IsOf(Cell cell, Scenario scenario, string server) =>
        string.Equals(cell.Scenario, scenario.ToString(), StringComparison.Ordinal) && string.Equals(cell.Server, server, StringComparison.Ordinal);

    private static double? Median(IEnumerable<double?> values)
    {
        var sorted = values.Where(value => value is not null).Order().ToList();
        return sorted.Count == 0 ? null : (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
