using System.Globalization;
using System.Text.Json;

namespace Reactor.Perf.Comparison;

/// <summary><c>peers/storm-sink</c> on the load's core: what the connect storm dials.</summary>
internal sealed class StormSink : IAsyncDisposable
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    private readonly PinnedProcess _process;

    private StormSink(PinnedProcess process) => _process = process;

    public int Id => _process.Id;

    public int Port { get; private set; }

    public static async Task<StormSink> StartAsync(int core, CancellationToken cancellationToken)
    {
        var sink = new StormSink(PinnedProcess.Start("the sink", core, [Programs.StormSink]));
        try
        {
            var line = await sink._process.ReadLineAsync(AnswerLimit, cancellationToken);
            sink.Port = line.Split(' ') is ["ready", var port, _]
                ? int.Parse(port, CultureInfo.InvariantCulture)
                : throw new PeerException($"the sink said '{line}' in place of being ready");
            return sink;
        }
        catch
        {
            await sink.DisposeAsync();
            throw;
        }
    }

    public async Task<Totals> TotalsAsync(CancellationToken cancellationToken)
    {
        await _process.WriteLineAsync();
        var line = await _process.ReadLineAsync(AnswerLimit, cancellationToken);
        return JsonSerializer.Deserialize<Totals>(line, StormResult.Json) ?? throw new PeerException($"the sink said '{line}'");
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    /// <summary>What it has done since it started.</summary>
    /// <param name="Accepted">Connections.</param>
    /// <param name="AcceptingSeconds">The time in which it did not poll in vain.</param>
    internal sealed record Totals(long Accepted, double AcceptingSeconds);
}
