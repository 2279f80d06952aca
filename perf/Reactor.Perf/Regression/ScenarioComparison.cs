using Reactor.Perf.Comparison;

namespace Reactor.Perf.Regression;

/// <summary>One scenario over all pairs.</summary>
internal sealed record ScenarioComparison(string Scenario, string Title)
{
    /// <summary>Medians over the pairs that count, in microseconds of processor time a request.</summary>
    public double? BaseCpuUsPerRequest { get; private init; }

    public double? TreeCpuUsPerRequest { get; private init; }

    /// <summary>The work tree's processor time a request over the base's, pair by pair: 1.05 costs 5 % more than the base.</summary>
    public required PairedRatio Cost { get; init; }

    /// <summary>Pairs that do not count, because one of their cells was thrown out each time that it was measured.</summary>
    public required int PairsLeftOut { get; init; }

    public required Verdict Verdict { get; init; }

    public static ScenarioComparison Of(Scenario scenario, IReadOnlyList<Cell> cells, double threshold)
    {
        var ofScenario = cells.Where(cell => string.Equals(cell.Scenario, scenario.ToString(), StringComparison.Ordinal)).ToList();
        var pairs = ofScenario
            .GroupBy(cell => cell.Round)
            .Select(pair => (Base: CpuUsPerRequest(pair, Side.Base), Tree: CpuUsPerRequest(pair, Side.Tree)))
            .ToList();
        var good = pairs.Where(pair => pair is { Base: > 0, Tree: > 0 }).ToList();
        var cost = PairedRatio.Of(good.Select(pair => pair.Tree!.Value / pair.Base!.Value));
        return new(scenario.ToString(), scenario.Title)
        {
            BaseCpuUsPerRequest = PairedRatio.Of(good.Select(pair => pair.Base!.Value)).Median,
            TreeCpuUsPerRequest = PairedRatio.Of(good.Select(pair => pair.Tree!.Value)).Median,
            Cost = cost,
            PairsLeftOut = pairs.Count - good.Count,
            Verdict = cost.Judge(threshold),
        };
    }

    private static double? CpuUsPerRequest(IEnumerable<Cell> pair, string side) =>
        pair.SingleOrDefault(cell => cell.IsGood && string.Equals(cell.Server, side, StringComparison.Ordinal))?.CpuUsPerRequest;
}
