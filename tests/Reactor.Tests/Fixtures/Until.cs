using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Reactor.Tests.Fixtures;

/// <summary>Waits for conditions, never for durations; a condition that does not come within the limit is named in the failure.</summary>
internal static class Until
{
    /// <summary>Generous: only a broken test gets here, however busy the machine is.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Yield = TimeSpan.FromMilliseconds(2);

    public static async Task True(Func<bool> condition, TimeSpan? limit = null, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var waiting = Stopwatch.StartNew();
        while (!condition())
        {
            if (waiting.Elapsed > (limit ?? Limit))
                Assert.Fail($"Within {waiting.Elapsed.TotalSeconds:f0} s this did not come to hold: {what}");

            await Task.Delay(Yield).ConfigureAwait(false);
        }
    }

    /// <summary>The blocking twin, for test actions, which NUnit does not await.</summary>
    public static bool Holds(Func<bool> condition, TimeSpan limit)
    {
        var waiting = Stopwatch.StartNew();
        while (!condition())
        {
            if (waiting.Elapsed > limit)
                return false;

            Thread.Sleep(Yield);
        }

        return true;
    }

    public static async Task Within(this Task task, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        try
        {
            await task.WaitAsync(Limit).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw NotDone(what);
        }
    }

    public static async Task<T> Within<T>(this Task<T> task, [CallerArgumentExpression(nameof(task))] string what = "")
    {
        try
        {
            return await task.WaitAsync(Limit).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw NotDone(what);
        }
    }

    public static Task Within(this ValueTask task, [CallerArgumentExpression(nameof(task))] string what = "") =>
        task.AsTask().Within(what);

    public static Task<T> Within<T>(this ValueTask<T> task, [CallerArgumentExpression(nameof(task))] string what = "") =>
        task.AsTask().Within(what);

    /// <summary>Done when the token is cancelled; tells <c>Connection.Closed</c> as a task.</summary>
    public static async Task Canceled(CancellationToken token, [CallerArgumentExpression(nameof(token))] string what = "")
    {
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = token.UnsafeRegister(static source => ((TaskCompletionSource)source!).TrySetResult(), fired);
        await fired.Task.Within($"{what} is cancelled");
    }

    private static AssertionException NotDone(string what) =>
        new($"Within {Limit.TotalSeconds:f0} s this did not end: {what}");
}
