using System.Globalization;
using Reactor.Load;
using Spectre.Console;

namespace Reactor.Tool;

/// <summary>A load's report for people.</summary>
internal static class LoadReportText
{
    public static void Print(LoadReport report)
    {
        var console = Terminal.CreateResults();
        console.Write(Summary(report));
        console.WriteLine();
        console.Write(Counts("connect outcome", report.Outcomes));
        console.WriteLine();
        if (report.Failures.Count > 0)
        {
            console.Write(Counts("failure after connecting", report.Failures));
            console.WriteLine();
        }
        console.Write(Latencies(report));
        if (report.WrongRepliesMatch is { } other)
            console.WriteLine($"Hint: every wrong reply is what --expect {(other == ReplyExpectation.Echo ? "echo" : "uppercase")} expects.");
        if (report.Interrupted)
            console.WriteLine("Stopped before the end: these are the numbers until then.");
    }

    private static Table Summary(LoadReport report)
    {
        var table = Terminal.CreateTable().HideHeaders().AddColumn("").AddColumn("");
        Row(table, "target", report.Target);
        Row(table, "connected", $"{report.Connected:N0} of {report.Connections:N0}, at most {report.InFlight:N0} in flight");
        Row(table, "connects per second", $"{report.ConnectsPerSecond:N0} for {report.ConnectSeconds:0.000} s");
        Row(table, "open together", $"{report.OpenTogether:N0}");
        Row(table, "round trips", $"{report.RoundTrips:N0}");
        Row(table, "round trips per second", $"{report.RoundTripsPerSecond:N0} for {report.TalkSeconds:0.000} s");
        Row(table, "bytes sent", $"{report.BytesSent:N0}");
        Row(table, "bytes received", $"{report.BytesReceived:N0}");
        Row(table, "wrong replies", $"{report.WrongReplies:N0}");
        return table;
    }

    private static Table Counts(string what, IReadOnlyDictionary<string, int> counts)
    {
        var table = Terminal.CreateTable().AddColumn(what).AddColumn(new TableColumn("count").RightAligned());
        foreach (var (name, count) in counts)
            Row(table, name, $"{count:N0}");
        return table;
    }

    private static Table Latencies(LoadReport report)
    {
        var table = Terminal.CreateTable().AddColumn("latency in ms");
        foreach (var column in (string[])["min", "p50", "p90", "p99", "p99.9", "max"])
            table.AddColumn(new TableColumn(column).RightAligned());
        Row(table, "connect", report.ConnectLatency);
        Row(table, "round trip", report.RoundTripLatency);
        return table;
    }

    private static void Row(Table table, string name, FormattableString value) =>
        Row(table, name, value.ToString(CultureInfo.InvariantCulture));

    // Text, not markup: an IPv6 address has brackets of its own.
    private static void Row(Table table, string name, string value) => table.AddRow(new Text(name), new Text(value));

    private static void Row(Table table, string name, LatencySummary latency)
    {
        double[] values = [latency.MinMs, latency.P50Ms, latency.P90Ms, latency.P99Ms, latency.P999Ms, latency.MaxMs];
        table.AddRow([new Text(name), .. values.Select(value => new Text(latency.Count == 0 ? "-" : value.ToString("0.000", CultureInfo.InvariantCulture)))]);
    }
}
