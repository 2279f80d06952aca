using System.Diagnostics;

namespace Reactor.Perf.Clients;

/// <summary>How the connects of a storm ended, and how long each took. Its two events may be told on any thread.</summary>
internal sealed class StormTally(int count)
{
    // Ticks of the stopwatch by connect; 0 for one that failed.
    private readonly long[] _elapsed = new long[count];
    private readonly List<double> _latenciesUs = [];
    private int _failed;

    public int Connects => _latenciesUs.Count;

    public int Failures => _failed;

    public void Connected(int index, long since) => _elapsed[index] = Math.Max(1, Stopwatch.GetTimestamp() - since);

    /// <summary>Says the first reason; thousands would say nothing more.</summary>
    public void Failed(string reason)
    {
        if (Interlocked.Increment(ref _failed) == 1)
            Console.Error.WriteLine($"not connected: {reason}");
    }

    /// <summary>Takes the storm that is over into account, or forgets it.</summary>
    public void EndStorm(bool counts)
    {
        if (counts)
            _latenciesUs.AddRange(_elapsed.Where(each => each > 0).Select(each => each * 1e6 / Stopwatch.Frequency));
        Array.Clear(_elapsed);
    }

    public IReadOnlyList<double> PercentilesUs(params ReadOnlySpan<double> fractions)
    {
        _latenciesUs.Sort();
        var percentiles = new List<double>();
        foreach (var fraction in fractions)
            percentiles.Add(_latenciesUs.Count == 0 ? 0 : _latenciesUs[(int)((_latenciesUs.Count - 1) * fraction)]);
        return percentiles;
    }
}
