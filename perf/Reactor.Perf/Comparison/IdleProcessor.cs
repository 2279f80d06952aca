using System.Diagnostics;

namespace Reactor.Perf.Comparison;

/// <summary>The processor time that a server uses while nothing is asked of it, by the names of its threads.</summary>
internal static class IdleProcessor
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MostOfAGlance = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan SettleLimit = TimeSpan.FromSeconds(5);

    // The runtime waits for 100 ms without a new method before it begins to compile those that were called often.
    private const int QuietGlances = 4;

    public static async Task<Cell> MeasureAsync(Cell cell, ServerProcess server, Options options, CancellationToken cancellationToken)
    {
        await SettleAsync(server, cancellationToken);
        var started = Stopwatch.GetTimestamp();
        var before = ThreadClocks.Read(server.Id);
        await Task.Delay(TimeSpan.FromSeconds(options.Seconds), cancellationToken);
        var after = ThreadClocks.Read(server.Id);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var used = after.GroupBy(thread => thread.Value.Name, StringComparer.Ordinal).ToDictionary(
            threads => threads.Key,
            threads => threads.Sum(thread => (thread.Value.Ran - before.GetValueOrDefault(thread.Key).Ran).TotalMilliseconds) / seconds,
            StringComparer.Ordinal);
        return cell with
        {
            IdleCpuMsPerSecond = used.Values.Sum(),
            IdleCpuMsPerSecondByThread = used,
            IsPortShared = Listeners.HasStranger(server.Port, ProcessTree.Of(server.Id)),
        };
    }

    /// <summary>Waits until the server has come to rest, or for <see cref="SettleLimit"/> with one that never does.</summary>
    public static async Task SettleAsync(ServerProcess server, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var last = ThreadClocks.Sum(server.Id);
        for (var quiet = 0; quiet < QuietGlances && Stopwatch.GetElapsedTime(started) < SettleLimit;)
        {
            await Task.Delay(Glance, cancellationToken);
            var now = ThreadClocks.Sum(server.Id);
            quiet = now - last <= MostOfAGlance ? quiet + 1 : 0;
            last = now;
        }
    }
}
