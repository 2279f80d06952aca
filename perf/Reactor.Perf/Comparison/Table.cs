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
        if (machine.Peers.Count > 0)
            text.AppendLine(string.Join("; ", machine.Peers.Select(static peer => $"{peer.Key}: {peer.Value.Split(',')[0]}")));
        text.AppendLine(CultureInfo.InvariantCulture, $"medians of {report.Rounds} rounds of {report.Seconds} s after {report.WarmupSeconds} s of warm-up");
        text.AppendLine("'of C', or of another yardstick: how good the first figure is beside C's, per round: 1.00 is as good, 0.50 half as good");

        foreach (var scenario in report.Summaries.GroupBy(summary => summary.Title, StringComparer.Ordinal))
        {
            text.AppendLine();
            text.AppendLine(scenario.Key);
            AppendBlock(text, [.. scenario], report.Rounds);
        }

        AppendRejections(text, report.Cells, "thrown out", "round");
        return text.ToString();
    }

    internal static string Describe(Machine machine)
    {
        var cores = string.Create(CultureInfo.InvariantCulture, $"{machine.Cores} {(machine.IsVirtual ? "virtual cores" : "cores")}");
        var compiler = machine.Compiler is null ? "" : ", " + machine.Compiler;
        return $"{machine.Processor}, {cores}, governor {string.Join('/', machine.Governors.Distinct(StringComparer.Ordinal))}, Linux {machine.Kernel}, {machine.Dotnet}{compiler}";
    }

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

    /// <summary>The figure in as many digits as can be told apart.</summary>
    internal static string Text(double? value) => Text(value, value switch
    {
        0 => "0",
        >= 1_000 => "N0",
        < 1 => "F3",
        _ => "F2",
    });

    /// <summary>What the yardstick is called in a heading.</summary>
    internal static string NameOf(string yardstick) => string.Equals(yardstick, Contestant.InC, StringComparison.Ordinal) ? "C" : yardstick;

    private static void AppendBlock(StringBuilder text, IReadOnlyList<Summary> rows, int rounds)
    {
        var (figure, unit, yardstick) = (rows[0].Figure, rows[0].Unit, NameOf(rows[0].Yardstick));
        Column[] all =
        [
            new("contestant", 14, static row => row.Server) { IsLeft = true },
            new(figure.Unit, 14, static row => Text(row.Value)),
            new("of " + yardstick, 0, static row => Text(row.Ratio, "F2")),
            new("(min..max)", 12, Spread) { IsLeft = true },
            new($"CPU us/{unit}", 14, static row => Text(row.CpuUsPerRequest)),
            new("CPU us/delivery", 0, static row => Text(row.CpuUsPerDelivery)),
            new($"{unit}s/s", 10, static row => Text(row.RequestsPerSecond, "N0")),
            new("rate of " + yardstick, 0, static row => Text(row.RateRatio, "F2")),
            new($"syscalls/{unit}", 0, static row => Text(row.SyscallsPerRequest, "F2")),
            new($"B/{unit}", 9, static row => Text(row.AllocatedPerRequest, "F2")),
            new("bytes alive", 0, static row => Text(row.LiveBytesPerConnection)),
            new(IdleProcessorScenario.CpuUnit, 0, static row => Text(row.IdleCpuMsPerSecond)),
            new("of the loop", 0, static row => Text(row.IdleLoopCpuMsPerSecond)),
            new("p50 us", 8, static row => Text(row.P50Us, "F1")),
            new("p99 us", 8, static row => Text(row.P99Us, "F1")),
            new("busy", 5, static row => Text(row.Busy, "P0")),
            new("load idle", 0, static row => Text(row.LoadIdle, "P0")),
            new("rounds", 0, row => string.Create(CultureInfo.InvariantCulture, $"{row.GoodRounds}/{rounds}")),
        ];

        // The figure that a scenario compares by comes first and not once more; what nobody has is no column.
        var columns = all.DistinctBy(static column => column.Heading, StringComparer.Ordinal)
            .Where(column => rows.Any(row => column.Cell(row) is not ("-" or "")))
            .ToList();
        AppendLine(static column => column.Heading);
        foreach (var row in rows)
            AppendLine(column => column.Cell(row));

        void AppendLine(Func<Column, string> cell)
        {
            var line = columns.Select(column => column.IsLeft ? cell(column).PadRight(column.Width) : cell(column).PadLeft(Math.Max(column.Width, column.Heading.Length)));
            text.AppendLine("  " + string.Join("  ", line).TrimEnd());
        }
    }

    private static string Spread(Summary row) =>
        row.Ratio is null ? "" : string.Create(CultureInfo.InvariantCulture, $"({row.LeastRatio:F2}..{row.GreatestRatio:F2})");

    private sealed record Column(string Heading, int Width, Func<Summary, string> Cell)
    {
        public bool IsLeft { get; init; }
    }
}
