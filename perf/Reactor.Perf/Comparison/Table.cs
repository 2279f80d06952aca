using System.Globalization;
using System.Text;

namespace Reactor.Perf.Comparison;

/// <summary>The report as people read it: one block a scenario, the servers side by side.</summary>
internal static class Table
{
    public static string Render(Report report)
    {
        var text = new StringBuilder();
        var (machine, source) = (report.Machine, Source(report.Machine));
        text.AppendLine(CultureInfo.InvariantCulture, $"{machine.Processor}, {machine.Cores} cores, Linux {machine.Kernel}, {machine.Dotnet}{source}");
        text.AppendLine(CultureInfo.InvariantCulture, $"medians of {report.Rounds} rounds of {report.Seconds} s after {report.WarmupSeconds} s of warm-up; 'of C' is C's processor time a request over the server's, per round");

        foreach (var scenario in report.Summaries.GroupBy(summary => summary.Title, StringComparer.Ordinal))
        {
            text.AppendLine();
            text.AppendLine(scenario.Key);
            text.AppendLine("  server          requests/s   CPU us/request   of C   (min..max)    B/request    p50 us    p99 us   busy   rounds");
            foreach (var summary in scenario)
                text.AppendLine(Row(summary, report.Rounds));
        }

        Rejections(text, report.Cells);
        return text.ToString();
    }

    private static string Row(Summary row, int rounds)
    {
        var spread = row.Ratio is null ? "" : string.Create(CultureInfo.InvariantCulture, $"({row.LeastRatio:F2}..{row.GreatestRatio:F2})");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"  {row.Server,-14}  {Text(row.RequestsPerSecond, "N0"),10}   {Text(row.CpuUsPerRequest, "F2"),14}   {Text(row.Ratio, "F2"),4}   {spread,-12}  {Text(row.AllocatedPerRequest, "F2"),9}  {Text(row.P50Us, "F1"),8}  {Text(row.P99Us, "F1"),8}  {Text(row.Busy, "P0"),5}   {row.GoodRounds}/{rounds}");
    }

    private static void Rejections(StringBuilder text, IReadOnlyList<Cell> cells)
    {
        var rejected = cells.Where(cell => !cell.IsGood).ToList();
        if (rejected.Count == 0)
            return;
        text.AppendLine();
        text.AppendLine("thrown out");
        foreach (var cell in rejected)
            text.AppendLine(CultureInfo.InvariantCulture, $"  round {cell.Round}, {cell.Scenario}, {cell.Server}: {cell.Rejection}");
    }

    private static string Source(Machine machine) => machine.Commit switch
    {
        null => "",
        _ when machine.IsTreeClean == true => $", commit {machine.Commit[..12]}",
        _ => $", commit {machine.Commit[..12]} with changes",
    };

    private static string Text(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";
}
