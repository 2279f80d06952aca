using System.Text.Json.Serialization;
using Reactor.Perf.Comparison;

namespace Reactor.Perf.Regression;

/// <summary>Everything that a comparison of two builds found: for the table, and for <c>--json</c>.</summary>
internal sealed record RegressionReport(
    Machine Machine,
    string Base,
    string BaseCommit,
    bool BaseHasItsOwnServer,
    double Seconds,
    double WarmupSeconds,
    int Pairs,
    double ThresholdPercent,
    IReadOnlyList<ScenarioComparison> Comparisons,
    IReadOnlyList<Cell> Cells)
{
    /// <summary>
    /// 1 for a regression or a server that did wrong, 2 when the machine was too disturbed for a word on some scenario,
    /// 0 otherwise.
    /// </summary>
    [JsonIgnore]
    public int ExitStatus => this switch
    {
        _ when Comparisons.Any(each => each.Verdict == Verdict.Regression) || Cells.Any(cell => cell.IsFailure) => 1,
        _ when Comparisons.Any(each => each.Verdict == Verdict.TooFewPairs) => 2,
        _ => 0,
    };

    public static RegressionReport From(Machine machine, BaseBuild @base, Options options, IReadOnlyList<Cell> cells) =>
        new(
            machine,
            options.Base!,
            @base.Commit,
            @base.HasItsOwnServer,
            options.Seconds,
            options.WarmupSeconds,
            options.Pairs,
            options.ThresholdPercent,
            [.. options.Scenarios.Select(scenario => ScenarioComparison.Of(scenario, cells, options.ThresholdPercent / 100))],
            cells);
}
