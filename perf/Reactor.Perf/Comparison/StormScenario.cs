using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Reactor.Perf.Comparison;

/// <summary>
/// A client that opens this many connections, so many of them under way at once, again and again. The client is what is
/// measured; a sink on the other core accepts. Written as <c>storm64</c>, which is 8,000 connections, 64 in flight.
/// </summary>
internal sealed record StormScenario(int Count, int InFlight) : Scenario
{
    public const int DefaultCount = 8_000;

    private const string Prefix = "storm";

    /// <summary>Above this share of its time the sink may be what the client waits for.</summary>
    private const double MostAccepting = 0.90;

    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(30);

    public override string Name => Prefix + Text(InFlight) + (Count == DefaultCount ? "" : "of" + Text(Count));

    public override string Title => string.Create(CultureInfo.InvariantCulture, $"connect storm of {Count:N0}, {InFlight:N0} in flight");

    public override string Unit => "connect";

    public override Role Role => Role.Storm;

    /// <summary>Also with one in flight: on loopback the handshake is over when connect(2) returns, and nobody waits for anything.</summary>
    public override bool SaturatesServer => true;

    public static new Scenario? Parse(string text)
    {
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        return text[Prefix.Length..].Split("of") switch
        {
            [var inFlight] when IsCount(inFlight, out var n) => new StormScenario(DefaultCount, n),
            [var inFlight, var count] when IsCount(inFlight, out var n) && IsCount(count, out var c) => new StormScenario(c, n),
            _ => null,
        };
    }

    public override async Task<Cell> MeasureAsync(Cell cell, Contestant contestant, Options options, CancellationToken cancellationToken)
    {
        var trouble = HandshakeTrouble.Count();
        await using var sink = await StormSink.StartAsync(options.LoadCore, cancellationToken);
        await using var client = PinnedProcess.Start(
            contestant.Name, options.ServerCore, [.. contestant.Command, .. Arguments(sink, options)], contestant.Environment);

        // A storm more than the warm-up asks for and the closing of each are the client's to take.
        await client.ReadLineAsync(TimeSpan.FromSeconds(3 * options.WarmupSeconds) + Slack, cancellationToken);
        var accepted = await sink.TotalsAsync(cancellationToken);
        var (clientCore, sinkCore) = (Others(options.ServerCore, client.Id), Others(options.LoadCore, sink.Id));
        var start = Stopwatch.GetTimestamp();
        await client.WriteLineAsync();
        var line = await client.ReadLineAsync(TimeSpan.FromSeconds(3 * options.Seconds) + Slack, cancellationToken);
        var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        clientCore = Others(options.ServerCore, client.Id) - clientCore;
        sinkCore = Others(options.LoadCore, sink.Id) - sinkCore;

        // Before anything else, for a lost handshake shows in all other figures, too.
        if (HandshakeTrouble.Since(trouble) is { } risen)
            return cell with { Rejection = $"handshakes were lost: {risen}" };

        var result = JsonSerializer.Deserialize<StormResult>(line, StormResult.Json) ?? throw new PeerException($"{contestant.Name} said '{line}'");
        var totals = await sink.TotalsAsync(cancellationToken);
        if (totals.Accepted - accepted.Accepted != result.Connects)
            return cell with { Rejection = string.Create(CultureInfo.InvariantCulture, $"{result.Connects} connects by the client's count, {totals.Accepted - accepted.Accepted} by the sink's") };

        var accepting = totals.AcceptingSeconds - accepted.AcceptingSeconds;
        cell = cell with
        {
            Load = ToLoadResult(result, accepting),
            AllocatedBytes = result.AllocatedBytes,
            OthersOnServerCore = Math.Max(0, clientCore) / elapsed,
            OthersOnLoadCore = Math.Max(0, sinkCore) / elapsed,
            IsPortShared = Listeners.HasStranger(sink.Port, [sink.Id]),
        };
        return accepting > MostAccepting * result.Seconds
            ? cell with { Rejection = string.Create(CultureInfo.InvariantCulture, $"the sink was busy accepting {accepting / result.Seconds:P0} of the time") }
            : cell.Judge(this);
    }

    // A core's busy time less that of the process that has it for itself.
    private static double Others(int core, int process) => CoreClock.BusySeconds(core) - ProcessStat.CpuSeconds(process);

    // The client is in the server's place: its processor time is what a request, a connect, costs.
    private static LoadResult ToLoadResult(StormResult result, double accepting) => new()
    {
        Requests = result.Connects,
        Seconds = result.Seconds,
        Wrong = 0,
        Lost = result.Failed,
        Stalled = 0,
        ServerCpuSeconds = result.CpuSeconds,
        LoadCpuSeconds = accepting,
        IdleSeconds = Math.Max(0, result.Seconds - accepting),
        P50Us = result.P50Us,
        P99Us = result.P99Us,
        P999Us = result.P999Us,
    };

    private IEnumerable<string> Arguments(StormSink sink, Options options) =>
    [
        "--port", Text(sink.Port), "--count", Text(Count), "--in-flight", Text(InFlight),
        "--warmup", Text(options.WarmupSeconds), "--seconds", Text(options.Seconds),
    ];
}
