using System.Globalization;
using System.Text;
using Reactor.Perf.Comparison;

namespace Reactor.Perf.Regression;

/// <summary>The report as people read it: one line a scenario.</summary>
internal static class RegressionTable
{
    public static string Render(RegressionReport report)
    {
        var text = new StringBuilder();
        var machine = report.Machine;
        var server = report.BaseHasItsOwnServer ? ", with its own server program, since today's does not compile against it" : "";
        text.AppendLine(Table.Describe(machine));
        text.AppendLine(CultureInfo.InvariantCulture, $"base: {report.Base}, commit {report.BaseCommit[..12]}{server}");
        text.AppendLine("tree: " + Table.Tree(machine));
        text.AppendLine(CultureInfo.InvariantCulture, $"'cost' is what the tree takes of the unit over what the base takes: the median of {report.Pairs} pairs of {report.Seconds} s after {report.WarmupSeconds} s of warm-up; threshold {report.ThresholdPercent} %");
        text.AppendLine();
        text.AppendLine("  scenario             base          tree   unit                    cost   95 % interval   pairs   verdict");
        foreach (var comparison in report.Comparisons)
            text.AppendLine(Row(comparison));
        Table.AppendRejections(text, report.Cells, "thrown out, and measured again where only the machine was at fault", "pair");
        return text.ToString();
    }

    private static string Row(ScenarioComparison row)
    {
        var cost = row.Cost;
        var interval = cost.Low is null ? "-" : string.Create(CultureInfo.InvariantCulture, $"{cost.Low:F3}..{cost.High:F3}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"  {row.Scenario,-13}  {Table.Text(row.BaseValue),10}    {Table.Text(row.TreeValue),10}   {row.Figure.Unit,-20}   {Table.Text(cost.Median, "F3"),5}   {interval,-13}   {$"{cost.Pairs}/{cost.Pairs + row.PairsLeftOut}",5}   {Words(row.Verdict)}");
    }

    private static string Words(Verdict verdict) => verdict switch
    {
        Verdict.Regression => "REGRESSION",
        Verdict.Improvement => "improvement",
        Verdict.NoDifferenceShown => "no difference shown",
        _ => string.Create(CultureInfo.InvariantCulture, $"too few pairs: an interval needs {PairedRatio.FewestPairs}"),
    };
}
