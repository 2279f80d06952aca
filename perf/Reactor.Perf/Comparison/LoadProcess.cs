using System.Globalization;
using System.Text.Json;

namespace Reactor.Perf.Comparison;

/// <summary>The load on its own core, from its warm-up to its result.</summary>
internal sealed class LoadProcess : IAsyncDisposable
{
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(15);

    private readonly PinnedProcess _process;
    private readonly Options _options;

    private LoadProcess(PinnedProcess process, Options options) => (_process, _options) = (process, options);

    public static LoadProcess Start(string program, IEnumerable<string> arguments, Options options) =>
        new(PinnedProcess.Start("the load", options.LoadCore, [program, .. arguments]), options);

    public Task WindowBeginsAsync(CancellationToken cancellationToken) =>
        _process.ReadLineAsync(TimeSpan.FromSeconds(_options.WarmupSeconds) + Slack, cancellationToken);

    public async Task<LoadResult> ResultAsync(CancellationToken cancellationToken)
    {
        var line = await _process.ReadLineAsync(TimeSpan.FromSeconds(_options.Seconds) + Slack, cancellationToken);
        return JsonSerializer.Deserialize<LoadResult>(line, Report.Json) ?? throw new PeerException($"the load said '{line}'");
    }

    /// <summary>Has it converse once more, after its result; gives the replies of that time, with nothing in flight before and after.</summary>
    public async Task<long> ConverseAsync(double seconds, CancellationToken cancellationToken)
    {
        await _process.WriteLineAsync(seconds.ToString(CultureInfo.InvariantCulture));
        var line = await _process.ReadLineAsync(TimeSpan.FromSeconds(seconds) + Slack, cancellationToken);
        using var answer = JsonDocument.Parse(line);
        return answer.RootElement.GetProperty("requests").GetInt64();
    }

    // It has nothing left to do: its result is told, or nobody waits for it any more.
    public ValueTask DisposeAsync()
    {
        _process.Kill();
        return _process.DisposeAsync();
    }
}

/// <summary>What the load saw in the measured window.</summary>
internal sealed record LoadResult
{
    public required long Requests { get; init; }

    public required double Seconds { get; init; }

    public required long Wrong { get; init; }

    public required long Lost { get; init; }

    public required int Stalled { get; init; }

    public required double ServerCpuSeconds { get; init; }

    public required double LoadCpuSeconds { get; init; }

    /// <summary>What it spent on polls that found nothing to do; missing for a load that does not tell.</summary>
    public double? IdleSeconds { get; init; }

    /// <summary>Of messages to their receivers; missing where a request has one reply.</summary>
    public long? Deliveries { get; init; }

    public required double P50Us { get; init; }

    public required double P99Us { get; init; }

    public required double P999Us { get; init; }
}
