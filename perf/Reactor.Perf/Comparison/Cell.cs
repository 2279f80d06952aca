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

    /// <summary>Missing exactly when the measurement itself failed.</summary>
    public LoadResult? Load { get; init; }

    /// <summary>By the server in the window; missing for a server that is not managed.</summary>
    public long? AllocatedBytes { get; init; }

    /// <summary>The share of the server's core that went to anything but the server in the window.</summary>
    public double? OthersOnServerCore { get; init; }

    /// <summary>The share of the load's core that went to anything but the load in the window.</summary>
    public double? OthersOnLoadCore { get; init; }

    /// <summary>Why the cell was thrown out; nothing for a good one.</summary>
    public string? Rejection { get; init; }

    /// <summary>The server did wrong: it died, lost or forgot a connection, or answered something else than was sent.</summary>
    public bool IsFailure { get; init; }

    [JsonIgnore]
    public bool IsGood => Rejection is null;

    /// <summary>Thrown out for what went on around the server, so another try may do better.</summary>
    [JsonIgnore]
    public bool IsDisturbed => !IsGood && !IsFailure;

    public double? RequestsPerSecond => Load?.Requests / Load?.Seconds;

    public double? CpuUsPerRequest => Load?.ServerCpuSeconds * 1e6 / Replied;

    public double? Busy => Load?.ServerCpuSeconds / Load?.Seconds;

    public double? AllocatedPerRequest => (double?)AllocatedBytes / Replied;

    public Cell Judge(Scenario scenario) => this switch
    {
        { Load: null or { Requests: 0 } } => Failed($"no reply at all"),
        { Load.Wrong: > 0 } => Failed($"{Load.Wrong} wrong replies"),
        { Load.Lost: > 0 } => Failed($"{Load.Lost} connections lost"),
        { Load.Stalled: > 0 } => Failed($"{Load.Stalled} connections without a reply in the whole window"),
        { Busy: < LeastBusy } when scenario.SaturatesServer => Rejected($"server busy only {Busy:P1} ({Strangers})"),
        { OthersOnServerCore: > MostStrangers } or { OthersOnLoadCore: > MostStrangers } when !scenario.SaturatesServer => Rejected($"{Strangers}"),
        _ => this,
    };

    public override string ToString()
    {
        var name = Invariant($"round {Round}  {Scenario,-9}  {Server,-14}");
        var figures = Load is null ? "" : Invariant($"  {RequestsPerSecond,9:N0} requests/s  {CpuUsPerRequest,7:F2} us CPU  busy {Busy:P0}");
        return IsGood ? name + figures : $"{name}{figures}  thrown out: {Rejection}";
    }

    // Nothing can be told a request when there was none, and JSON has no infinity.
    private long? Replied => Load is { Requests: > 0 } ? Load.Requests : null;

    private string Strangers => Invariant($"others took {OthersOnServerCore:P0} of the server's core, {OthersOnLoadCore:P0} of the load's");

    private Cell Rejected(FormattableString reason) => this with { Rejection = Invariant(reason) };

    private Cell Failed(FormattableString reason) => Rejected(reason) with { IsFailure = true };
}
