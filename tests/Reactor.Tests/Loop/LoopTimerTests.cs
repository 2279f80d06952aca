using System.Diagnostics;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Timers of a running loop; the wheel by itself has its own tests.</summary>
[TestFixture]
public sealed class LoopTimerTests
{
    [Test]
    public async Task A_timer_fires_once_on_the_loop_and_never_early()
    {
        await using var loop = TestLoop.Start();
        foreach (var due in (int[])[0, 1, 7, 50, 130])
        {
            var started = Stopwatch.StartNew();
            var fired = 0;
            var onLoop = false;
            var done = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
            var timer = loop.StartTimer(TimeSpan.FromMilliseconds(due), () =>
            {
                fired++;
                onLoop = loop.IsOnLoop;
                done.TrySetResult(started.Elapsed);
            });

            var elapsed = await done.Task.Within();
            await loop.Settled();

            Assert.That(elapsed, Is.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(due)));
            Assert.That((fired, onLoop, timer.IsPending), Is.EqualTo((1, true, false)));
        }
    }

    [Test]
    public async Task Timers_of_one_deadline_fire_in_the_order_of_their_start()
    {
        await using var loop = TestLoop.Start();
        var order = new List<int>();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.InvokeAsync(() =>
        {
            for (var i = 0; i < 1_000; i++)
            {
                var mine = i;
                loop.StartTimer(TimeSpan.FromMilliseconds(20), () =>
                {
                    order.Add(mine);
                    if (order.Count == 1_000)
                        done.SetResult();
                });
            }
        }).Within();

        await done.Task.Within();

        Assert.That(order, Is.Ordered);
    }

    [Test]
    public async Task More_due_timers_than_a_turn_takes_all_fire()
    {
        await using var loop = TestLoop.Start();
        var fired = 0;
        await loop.InvokeAsync(() =>
        {
            for (var i = 0; i < 5_000; i++)
                loop.StartTimer(TimeSpan.Zero, () => fired++);
        }).Within();

        await Until.True(() => Volatile.Read(ref fired) == 5_000);
        Assert.That(loop.Counters.Timers, Is.Zero);
    }

    [Test]
    public async Task A_timer_that_was_started_in_a_callback_runs_no_sooner_than_the_next_turn()
    {
        await using var loop = TestLoop.Start();
        var turns = new List<long>();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        void Again()
        {
            turns.Add(loop.Counters.Turns);
            if (turns.Count < 50)
                loop.StartTimer(TimeSpan.Zero, Again);
            else
                done.SetResult();
        }

        loop.StartTimer(TimeSpan.Zero, Again);
        await done.Task.Within();

        Assert.That(turns, Is.Unique);
    }

    [Test]
    public async Task Cancelled_in_its_own_and_in_another_s_callback()
    {
        await using var loop = TestLoop.Start();
        var fired = new List<string>();
        await loop.InvokeAsync(() =>
        {
            LoopTimer? own = null;
            LoopTimer? other = null;
            own = loop.StartTimer(TimeSpan.FromMilliseconds(5), () =>
            {
                fired.Add("own");
                own!.Cancel();
                other!.Cancel();
            });
            other = loop.StartTimer(TimeSpan.FromMilliseconds(5), () => fired.Add("other"));
        }).Within();

        await loop.After(TimeSpan.FromMilliseconds(50));

        Assert.That(fired, Is.EqualTo(["own"]));
    }

    [Test]
    public async Task Restarted_in_its_own_callback_it_is_a_period()
    {
        await using var loop = TestLoop.Start();
        var fired = 0;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        LoopTimer? timer = null;
        await loop.InvokeAsync(() => timer = loop.StartTimer(TimeSpan.FromMilliseconds(1), () =>
        {
            if (++fired == 10)
                done.SetResult();
            else
                timer!.Restart(TimeSpan.FromMilliseconds(1));
        })).Within();

        await done.Task.Within();
        await loop.After(TimeSpan.FromMilliseconds(20));

        Assert.That(fired, Is.EqualTo(10));
    }

    [Test]
    public async Task Cancelled_restarted_and_disposed_from_another_thread()
    {
        await using var loop = TestLoop.Start();
        var fired = 0;
        var timer = loop.StartTimer(TimeSpan.FromHours(1), () => Interlocked.Increment(ref fired));
        await Until.True(() => loop.Counters.Timers == 1);

        timer.Cancel();
        await Until.True(() => loop.Counters.Timers == 0);
        timer.Restart(TimeSpan.Zero);
        await Until.True(() => Volatile.Read(ref fired) == 1);
        timer.Restart(TimeSpan.FromHours(1));
        await Until.True(() => timer.IsPending);
        timer.Dispose();
        await Until.True(() => loop.Counters.Timers == 0);

        Assert.That(fired, Is.EqualTo(1));
    }

    [Test]
    public async Task A_huge_time_neither_overflows_nor_fires()
    {
        await using var loop = TestLoop.Start();
        var fired = 0;
        var timers = new List<LoopTimer>();
        foreach (var huge in (TimeSpan[])[TimeSpan.MaxValue, TimeSpan.FromDays(365 * 99), TimeSpan.FromDays(365 * 101), TimeSpan.FromDays(30)])
            timers.Add(loop.StartTimer(huge, () => Interlocked.Increment(ref fired)));

        await loop.After(TimeSpan.FromMilliseconds(50));

        Assert.That(fired, Is.Zero);
        Assert.That(timers.Select(static timer => timer.IsPending), Is.All.True);
        timers.ForEach(static timer => timer.Dispose());
    }

    [Test]
    public async Task A_negative_time_is_refused()
    {
        await using var loop = TestLoop.Start();
        using var timer = loop.StartTimer(TimeSpan.FromHours(1), static () => { });

        Assert.Throws<ArgumentOutOfRangeException>(() => loop.StartTimer(TimeSpan.FromTicks(-1), static () => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => timer.Restart(TimeSpan.FromTicks(-1)));
    }

    [Test]
    public async Task A_million_started_and_cancelled_leave_nothing()
    {
        await using var loop = TestLoop.Start();

        await loop.InvokeAsync(() =>
        {
            for (var i = 0; i < 1_000_000; i++)
                loop.StartTimer(TimeSpan.FromMilliseconds(1 + (i % 100_000)), static () => { }).Cancel();
        }).WaitAsync(TimeSpan.FromMinutes(1));

        Assert.That(loop.Counters.Timers, Is.Zero);
    }

    [Test]
    public async Task A_sooner_timer_started_while_the_loop_sleeps_for_a_later_one_wakes_it()
    {
        await using var loop = TestLoop.Start();
        using var later = loop.StartTimer(TimeSpan.FromHours(10), static () => { });
        await loop.Settled();

        await loop.After(TimeSpan.FromMilliseconds(5));
    }

    [Test]
    public async Task A_jump_of_the_clock_fires_each_once()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        var fired = new int[10];
        await loop.InvokeAsync(() =>
        {
            for (var i = 0; i < fired.Length; i++)
            {
                var mine = i;
                loop.StartTimer(TimeSpan.FromHours(i + 1), () => fired[mine]++);
            }
        }).Within();

        kernel.Jump(TimeSpan.FromDays(3));
        loop.Post(static () => { });

        await Until.True(() => loop.Counters.Timers == 0);
        Assert.That(fired, Is.All.EqualTo(1));
    }
}
