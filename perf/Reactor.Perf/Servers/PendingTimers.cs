namespace Reactor.Perf.Servers;

/// <summary>The timers that servers have in the scenarios with timers, the same in each of them and in those in C and Go.</summary>
internal static class PendingTimers
{
    // Prime to the number of timers, so that each has its own time, and they are not started in the order in which they are due.
    private const long Stride = 7919;

    // A timer that nobody refers to is collected, and this process serves until it ends.
    private static readonly List<Timer> Far = [];

    /// <summary>A connection without a request for as long is closed. Each request starts its timer anew.</summary>
    public static TimeSpan IdleLimit { get; } = TimeSpan.FromMinutes(1);

    /// <summary>Between 1 and 25 hours: none of them is due while a server is measured.</summary>
    public static IEnumerable<TimeSpan> FarDueTimes(int count) =>
        Enumerable.Range(0, count).Select(i => TimeSpan.FromHours(1) + (TimeSpan.FromHours(24) / count * (i * Stride % count)));

    public static void StartFar(int count) => Far.AddRange(FarDueTimes(count).Select(static due => Start(due, static () => { })));

    public static Timer StartIdle(Action close) => Start(IdleLimit, close);

    public static void PutOff(Timer idle) => idle.Change(IdleLimit, Timeout.InfiniteTimeSpan);

    private static Timer Start(TimeSpan dueTime, Action callback) =>
        new(static state => ((Action)state!)(), callback, dueTime, Timeout.InfiniteTimeSpan);
}
