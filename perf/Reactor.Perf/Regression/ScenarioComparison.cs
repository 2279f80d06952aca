using Reactor.Perf.Comparison;

namespace Reactor.Perf.Regression;

/// <summary>One scenario over all pairs.</summary>
internal sealed record ScenarioComparison(string Scenario, string Title)
{
    /// <summary>What the builds are compared by.</summary>
    public required Figure Figure { get; init; }

    /// <summary>Medians of the figure over the pairs that count.</summary>
    public double? BaseValue { get; private init; }

    public double? TreeValue { get; private init; }

    /// <summary>The work tree's figure over the base's, pair by pair: 1.05 costs 5 % more than the base.</summary>
    public required PairedRatio Cost { get; init; }

    /// <summary>Pairs that do not count, because one of their cells was thrown out each time that it was measured.</summary>
    public required int PairsLeftOut { get; init; }

    public required Verdict Verdict { get; init; }

    public static ScenarioComparison Of(Scenario scenario, IReadOnlyList<Cell> cells, double threshold)
    {
        var ofScenario = cells.Where(cell => string.Equals(cell.Scenario, scenario.ToString(), StringComparison.Ordinal)).ToList();
        var figure = scenario.Figure;
        var pairs = ofScenario
            .GroupBy(cell => cell.Round)
            .Select(pair => (Base: ValueOf(figure, pair, Side.Base), Tree: ValueOf(figure, pair, Side.Tree)))
            .ToList();
        var good = pairs.Where(pair => pair is { Base: > 0, Tree: > 0 }).ToList();
        var cost = PairedRatio.Of(good.Select(pair => pair.Tree!.Value / pair.Base!.Value));
        return new(scenario.ToString(), scenario.Title)
        {
            Figure = figure,
            BaseValue = PairedRatio.Of(good.Select(pair => pair.Base!.Value)).Median,
            TreeValue = PairedRatio.Of(good.Select(pair => pair.Tree!.Value)).Median,
            Cost = cost,
            PairsLeftOut = pairs.Count - good.Count,
            Verdict = cost.Judge(threshold),
        };
    }

    private static double? ValueOf(Figure figure, IEnumerable<Cell> pair, string side) =>
        pair.SingleOrDefault(cell => cell.IsGood && string.Equals(cell.Server, side, StringComparison.Ordinal)) is { } cell ? figure.Of(cell) : null;
}
