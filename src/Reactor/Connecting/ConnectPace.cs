namespace Reactor;

/// <summary>Spreads dials evenly over time.</summary>
/// <param name="perSecond">How many a second; infinity for no limit.</param>
internal sealed class ConnectPace(double perSecond)
{
    // A loop that is held up catches up on this much of its lateness: a timer's millisecond and a long turn. More of it
    // would be the burst that a pace is there to prevent.
    private const long MostLateNs = 10_000_000;

    private readonly double _intervalNs = 1e9 / perSecond;

    // The kernel's time from which on the next dial may begin.
    private double _nextNs = double.NegativeInfinity;

    internal bool IsLimited => _intervalNs > 0;

    /// <summary>Takes the next dial's place in time.</summary>
    /// <param name="nowNs">The kernel's time.</param>
    /// <param name="hasWaited">Whether it had to wait, and so may make up for a timer's lateness; after a pause there is nothing to make up for.</param>
    /// <param name="wait">Zero when it may begin; else it may not, and is to ask again after this.</param>
    internal bool TryTake(long nowNs, bool hasWaited, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (!IsLimited) return true;
        if (nowNs < _nextNs)
        {
            wait = TimeSpan.FromSeconds(Math.Min((_nextNs - nowNs) / 1e9, TimeSpan.MaxValue.TotalSeconds / 2));
            return false;
        }

        _nextNs = Math.Max(_nextNs, hasWaited ? nowNs - MostLateNs : nowNs) + _intervalNs;
        return true;
    }
}
