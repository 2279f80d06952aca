using System.Globalization;
using System.Text;

namespace Reactor.Perf.Comparison;

/// <summary>The report as people read it: one block a scenario, the servers side by side.</summary>
internal static class Table
{
    public static string Render(Report report)
    {
        var text = new StringBuilder();
        var machine = report.Machine;
        var source = machine.Commit is null ? "" : ", " + Tree(machine);
        text.AppendLine(Describe(machine) + source);
        text.AppendLine(CultureInfo.InvariantCulture, $"medians of {report.Rounds} rounds of {report.Seconds} s after {report.WarmupSeconds} s of warm-up; 'of C' is C's processor time a request over the server's, per round");

        foreach (var scenario in report.Summaries.GroupBy(summary => summary.Title, StringComparer.Ordinal))
        {
            text.AppendLine();
            text.AppendLine(scenario.Key);
            text.AppendLine("  server          requests/s   CPU us/request   of C   (min..max)    B/request    p50 us    p99 us   busy   rounds");
            foreach (var summary in scenario)
                text.AppendLine(Row(summary, report.Rounds));
        }

        AppendRejections(text, report.Cells, "thrown out", "round");
        return text.ToString();
    }

    internal static string Describe(Machine machine) =>
        string.Create(CultureInfo.InvariantCulture, $"{machine.Processor}, {machine.Cores} cores, Linux {machine.Kernel}, {machine.Dotnet}");

    /// <summary>The commit, and whether the tree is what was committed.</summary>
    internal static string Tree(Machine machine) => $"commit {machine.Commit?[..12]}{(machine.IsTreeClean == true ? "" : " with changes")}";

    /// <summary>The cells that count for nothing, with the reason, under a heading. A cell's round has another name where it is a pair.</summary>
    internal static void AppendRejections(StringBuilder text, IReadOnlyList<Cell> cells, string heading, string round)
    {
        var rejected = cells.Where(cell => !cell.IsGood).ToList();
        if (rejected.Count == 0)
            return;
        text.AppendLine();
        text.AppendLine(heading);
        foreach (var cell in rejected)
            text.AppendLine(CultureInfo.InvariantCulture, $"  {round} {cell.Round}, {cell.Scenario}, {cell.Server}: {cell.Rejection}");
    }

    internal static string Text(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";

    private static string Row(Summary row, int rounds)
    {
        var spread = row.Ratio is null ? "" : string.Create(CultureInfo.InvariantCulture, $"({row.LeastRatio:F2}..{row.GreatestRatio:F2})");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"  {row.Server,-14}  {Text(row.RequestsPerSecond, "N0"),10}   {Text(row.CpuUsPerRequest, "F2"),14}   {Text(row.Ratio, "F2"),4}   {spread,-12}  {Text(row.AllocatedPerRequest, "F2"),9}  {Text(row.P50Us, "F1"),8}  {Text(row.P99Us, "F1"),8}  {Text(row.Busy, "P0"),5}   {row.GoodRounds}/{rounds}");
    }
}
