using System.Text.Json;

namespace Reactor.Perf.Comparison;

/// <summary>What a client of the connect storm saw and used, in one line of JSON.</summary>
internal sealed record StormResult
{
    public static JsonSerializerOptions Json { get; } = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public required int Storms { get; init; }

    public required int Connects { get; init; }

    public required int Failed { get; init; }

    /// <summary>Of the storms alone: closing and what else lies between them does not count.</summary>
    public required double Seconds { get; init; }

    /// <summary>The client's processor time, all threads, in these seconds.</summary>
    public required double CpuSeconds { get; init; }

    /// <summary>Missing for a client that is not managed.</summary>
    public long? AllocatedBytes { get; init; }

    public required double P50Us { get; init; }

    public required double P99Us { get; init; }

    public required double P999Us { get; init; }
}
