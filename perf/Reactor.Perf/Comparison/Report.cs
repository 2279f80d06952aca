using System.Text.Json;
using System.Text.Json.Serialization;

namespace Reactor.Perf.Comparison;

/// <summary>Everything that a comparison found: for the table, and for <c>--json</c>.</summary>
internal sealed record Report(
    Machine Machine, double Seconds, double WarmupSeconds, int Rounds, IReadOnlyList<Summary> Summaries, IReadOnlyList<Cell> Cells)
{
    public static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
    };

    public static Report From(Machine machine, Options options, IReadOnlyList<Cell> cells)
    {
        var summaries =
            from scenario in options.Scenarios
            from contestant in options.ContestantsOf(scenario)
            select Summary.Of(scenario, contestant, cells);
        return new(machine, options.Seconds, options.WarmupSeconds, options.Rounds, [.. summaries], cells);
    }

    public Task WriteAsync(Stream stream) => JsonSerializer.SerializeAsync(stream, this, Json);
}
