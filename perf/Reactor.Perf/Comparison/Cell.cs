using System.Text.Json.Serialization;
using static System.FormattableString;

namespace Reactor.Perf.Comparison;

/// <summary>One server in one scenario in one round.</summary>
internal sealed record Cell(int Round, string Scenario, string Server)
{
    /// <summary>Below this share of its core the server waited for something, the load or a stranger on the machine.</summary>
    public const double LeastBusy = 0.90;

    /// <summary>Strangers on a core above this share make a cell with idle time worthless: they are in the way of each wake.</summary>
    public const double MostStrangers = 0.10;

    /// <summary>A server's core that stands still for less of the window than this has next to nothing left to give.</summary>
    public const double LeastIdle = 0.03;

    /// <summary>A load that waited for less of the window than this gave all that it can.</summary>
    public const double LeastLoadIdle = 0.01;

    /// <summary>A server that more load would give more than this was not measured at its limit.</summary>
    public const double MostGain = 0.05;

    /// <summary>Missing when the measurement itself failed, and in a scenario that leaves the server idle.</summary>
    public LoadResult? Load { get; init; }

    /// <summary>By the server in the window; missing for a server that is not managed.</summary>
    public long? AllocatedBytes { get; init; }

    /// <summary>The share of the server's core that went to anything but the server in the window.</summary>
    public double? OthersOnServerCore { get; init; }

    /// <summary>The share of the load's core that went to anything but the load in the window.</summary>
    public double? OthersOnLoadCore { get; init; }

    /// <summary>By all the server's threads, counted after the window.</summary>
    public double? SyscallsPerRequest { get; init; }

    /// <summary>What the server has in memory for each idle connection, the kernel's part of it not counted.</summary>
    public double? ResidentBytesPerConnection { get; init; }

    /// <summary>What is alive on the managed heap for each idle connection; missing for a server that is not managed.</summary>
    public double? LiveBytesPerConnection { get; init; }

    /// <summary>Of all threads of the server, in a time in which nothing was asked of it.</summary>
    public double? IdleCpuMsPerSecond { get; init; }

    /// <summary>The same by the threads' names: the runtimes have some of their own.</summary>
    public IReadOnlyDictionary<string, double>? IdleCpuMsPerSecondByThread { get; init; }

    /// <summary>Another process listened on the server's port when the measurement was over.</summary>
    public bool IsPortShared { get; init; }

    /// <summary>With twice the connections; missing where that was not asked.</summary>
    public double? RequestsPerSecondAtTwiceTheLoad { get; init; }

    /// <summary>Why the cell was thrown out; nothing for a good one.</summary>
    public string? Rejection { get; init; }

    /// <summary>The server did wrong: it died, lost or forgot a connection, or answered something else than was sent.</summary>
    public bool IsFailure { get; init; }

    [JsonIgnore]
    public bool IsGood => Rejection is null;

    /// <summary>Thrown out for what went on around the server, so another try may do better.</summary>
    [JsonIgnore]
    public bool IsDisturbed => !IsGood && !IsFailure;

    /// <summary>The share of the window in which the server's core had nothing at all to do.</summary>
    public double? IdleServerCore => 1 - Busy - (OthersOnServerCore ?? 0);

    /// <summary>The share of the window in which the load found nothing to do: the server was the one to wait for.</summary>
    public double? LoadIdle => Load?.IdleSeconds / Load?.Seconds;

    public double? RequestsPerSecond => Load?.Requests / Load?.Seconds;

    public double? CpuUsPerRequest => Load?.ServerCpuSeconds * 1e6 / Replied;

    /// <summary>Missing where a request has one reply.</summary>
    public double? CpuUsPerDelivery => Load is { Deliveries: > 0 } ? Load.ServerCpuSeconds * 1e6 / Load.Deliveries : null;

    public double? Busy => Load?.ServerCpuSeconds / Load?.Seconds;

    public double? AllocatedPerRequest => (double?)AllocatedBytes / Replied;

    /// <summary>Of Reactor's loop alone; missing for others.</summary>
    public double? IdleLoopCpuMsPerSecond =>
        IdleCpuMsPerSecondByThread is { } threads && threads.TryGetValue("reactor", out var loop) ? loop : null;

    /// <summary>Good, but the server stood still at times, and so did the load: more of it may give more.</summary>
    public bool MayTakeMoreLoad(Scenario scenario) =>
        IsGood && scenario.SaturatesServer && IdleServerCore > LeastIdle && LoadIdle >= LeastLoadIdle;

    public Cell Judge(Scenario scenario) => this switch
    {
        { IsPortShared: true } => Rejected($"another process listens on the server's port"),
        { Load: null } => this,
        { Load.Requests: 0 } => Failed($"no reply at all"),
        { Load.Wrong: > 0 } => Failed($"{Load.Wrong} wrong replies"),
        { Load.Lost: > 0 } => Failed($"{Load.Lost} connections lost"),
        { Load.Stalled: > 0 } => Failed($"{Load.Stalled} connections without a reply in the whole window"),
        { Busy: < LeastBusy } when scenario.SaturatesServer => Rejected($"server busy only {Busy:P1} ({Strangers})"),
        { OthersOnServerCore: > MostStrangers } or { OthersOnLoadCore: > MostStrangers } when !scenario.SaturatesServer => Rejected($"{Strangers}"),
        { IdleServerCore: var idle, LoadIdle: < LeastLoadIdle } when scenario.SaturatesServer && idle / Busy > MostGain =>
            Rejected($"the load was the limit: it never waited, while the server's core stood still for {idle:P1}"),
        { RequestsPerSecondAtTwiceTheLoad: var more } when more / RequestsPerSecond > 1 + MostGain =>
            Rejected($"the load was the limit: twice the connections give {more / RequestsPerSecond - 1:P1} more"),
        _ => this,
    };

    public override string ToString()
    {
        var name = Invariant($"round {Round}  {Scenario,-13}  {Server,-14}");
        var figures = Load is null ? "" : Invariant($"  {RequestsPerSecond,9:N0} requests/s  {CpuUsPerRequest,7:F2} us CPU  busy {Busy:P0}");
        if (ResidentBytesPerConnection is not null)
            figures += Invariant($"  {ResidentBytesPerConnection,7:N0} bytes/connection");
        if (IdleCpuMsPerSecond is not null)
            figures += Invariant($"  idle {IdleCpuMsPerSecond:F3} ms CPU/s");
        return IsGood ? name + figures : $"{name}{figures}  thrown out: {Rejection}";
    }

    // Nothing can be told a request when there was none, and JSON has no infinity.
    private long? Replied => Load is { Requests: > 0 } ? Load.Requests : null;

    private string Strangers => Invariant($"others took {OthersOnServerCore:P0} of the server's core, {OthersOnLoadCore:P0} of the load's");

    private Cell Rejected(FormattableString reason) => this with { Rejection = Invariant(reason) };

    private Cell Failed(FormattableString reason) => Rejected(reason) with { IsFailure = true };
}
