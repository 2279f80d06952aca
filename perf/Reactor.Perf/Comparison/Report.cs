using System.Text.Json;
using System.Text.Json.Serialization;

namespace Reactor.Perf.Comparison;

/// <summary>Everything that a comparison found: for the table, for the pictures, and for <c>--json</c>.</summary>
internal sealed record Report(
    Machine Machine, DateOnly Day, double Seconds, double WarmupSeconds, int Rounds, IReadOnlyList<Summary> Summaries, IReadOnlyList<Cell> Cells)
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
        var day = DateOnly.FromDateTime(DateTime.UtcNow);
        return new(machine, day, options.Seconds, options.WarmupSeconds, options.Rounds, [.. summaries], cells);
    }

    /// <summary>What <see cref="WriteAsync"/> wrote. A <see cref="JsonException"/> says that it did not.</summary>
    public static async Task<Report> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var report = await JsonSerializer.DeserializeAsync<Report>(stream, Json, cancellationToken);
        return report is { Machine: not null, Summaries: not null } ? report : throw new JsonException("no result of a comparison");
    }

    /// <summary>The file of <c>--json</c>, opened before the minutes of measuring, that a path which cannot be written costs none of them.</summary>
    public static FileStream? OpenJson(Options options) =>
        options.JsonFile is null ? null : File.Open(options.JsonFile, FileMode.OpenOrCreate, FileAccess.Write);

    /// <summary>Puts a report in the place of what another run had written.</summary>
    public static async Task WriteAsync<TReport>(FileStream? json, TReport report)
    {
        if (json is null)
            return;
        json.SetLength(0);
        await JsonSerializer.SerializeAsync(json, report, Json);
    }
}
