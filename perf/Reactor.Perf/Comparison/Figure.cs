using System.Text.Json.Serialization;

namespace Reactor.Perf.Comparison;

/// <summary>What a scenario compares its contestants by: <paramref name="Unit"/> heads its column, as in <c>bytes/connection</c>.</summary>
internal sealed record Figure(string Name, string Unit, bool LessIsBetter = true)
{
    /// <summary>Nothing in a figure that was read from a file: there the summaries already have it.</summary>
    [JsonIgnore]
    public Func<Cell, double?> Of { get; init; } = static _ => null;

    /// <summary>The processor time of all the contestant's threads, in the unit of what it is asked for.</summary>
    public static Figure CpuPer(string unit) => new($"processor time a {unit}", $"CPU us/{unit}") { Of = static cell => cell.CpuUsPerRequest };

    /// <summary>How good one is beside the yardstick: 1.00 is as good, 0.50 half as good. Nothing where that has no meaning.</summary>
    public double? Ratio(double? value, double? yardstick) =>
        value > 0 && yardstick > 0 ? (LessIsBetter ? yardstick / value : value / yardstick) : null;
}
