namespace Reactor.Tests.Fixtures;

/// <summary>Waits that are counted in turns and timers of the loop itself.</summary>
internal static class LoopTurns
{
    /// <summary>Done when the loop has been round, and every phase of a turn has had its time since the call.</summary>
    public static async Task Settled(this EventLoop loop)
    {
        // A timer fires no sooner than the turn after the one that started it, so all phases lie between two of them.
        await loop.After(TimeSpan.Zero);
        await loop.After(TimeSpan.Zero);
    }

    /// <summary>Done when a timer of the loop has fired. What must not happen has had its time to happen, by the loop's own clock.</summary>
    public static async Task After(this EventLoop loop, TimeSpan time)
    {
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.StartTimer(time, fired.SetResult);
        await fired.Task.Within();
    }
}
