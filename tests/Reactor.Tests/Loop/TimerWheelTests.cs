using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The wheel by itself: no loop, no clock, milliseconds as the test gives them.</summary>
[TestFixture]
public sealed class TimerWheelTests
{
    private readonly List<string> _fired = [];
    private TimerWheel _wheel = new();

    [SetUp]
    public void Make_a_wheel()
    {
        _wheel = new TimerWheel();
        _fired.Clear();
    }

    [TearDown]
    public void Nothing_is_left_pending() => Assert.That(_wheel.Count, Is.Zero);

    [Test]
    public void Timers_of_one_deadline_fire_in_the_order_of_their_start()
    {
        var now = Now();
        var names = Enumerable.Range(0, 100).Select(static i => $"{i}").ToArray();
        foreach (var name in names)
            Start(name, now + 5_000);

        // In between the wheel moves them down from level to level.
        for (var ms = now; ms <= now + 5_000; ms += 7)
            FireUntil(ms);
        FireUntil(now + 5_000);

        Assert.That(_fired, Is.EqualTo(names));
    }

    [Test]
    public void Timers_that_were_started_at_different_times_for_one_deadline_fire_in_the_order_of_their_start()
    {
        var now = Now();
        Start("first", now + 10_000);
        FireUntil(now + 9_990);
        Start("second", now + 10_000);
        FireUntil(now + 10_000);

        Assert.That(_fired, Is.EqualTo(["first", "second"]));
    }

    [Test]
    public void None_fires_early_and_each_fires_in_its_millisecond()
    {
        var random = Seed.NewRandom();
        var now = Now();
        var deadlines = new Dictionary<LoopTimer, long>();
        var late = 0;
        var early = 0;
        for (var i = 0; i < 10_000; i++)
        {
            var deadline = now + 1 + (long)Math.Pow(10, random.NextDouble() * 6);
            var timer = Start("", deadline);
            deadlines.Add(timer, deadline);
        }

        for (var ms = now; deadlines.Count > 0; ms = Math.Max(ms + 1, _wheel.NextMs()))
        {
            while (_wheel.TakeDue(ms) is { } due)
            {
                if (deadlines[due] > ms)
                    early++;
                if (deadlines[due] < ms)
                    late++;
                deadlines.Remove(due);
            }
        }

        Assert.That((early, late), Is.EqualTo((0, 0)));
    }

    [Test]
    public void The_next_millisecond_is_never_after_the_next_deadline()
    {
        var random = Seed.NewRandom();
        var now = Now();
        var pending = new SortedDictionary<long, LoopTimer>();
        for (var i = 0; i < 2_000; i++)
        {
            var deadline = now + 1 + random.NextInt64(1L << random.Next(1, 40));
            if (!pending.ContainsKey(deadline))
                pending.Add(deadline, Start("", deadline));

            Assert.That(_wheel.NextMs(), Is.GreaterThan(now).And.LessThanOrEqualTo(pending.Keys.First()));
            now = Math.Min(now + random.Next(0, 3), pending.Keys.First() - 1);
            Assert.That(_wheel.TakeDue(now), Is.Null);
        }

        foreach (var timer in pending.Values)
            _wheel.Cancel(timer);
        Assert.That(_wheel.NextMs(), Is.EqualTo(long.MaxValue));
    }

    [Test]
    public void A_deadline_in_the_past_fires_next_and_not_in_the_turn_that_started_it()
    {
        var now = Now();
        Start("past", now - 1_000);
        Start("present", now);

        FireUntil(now);
        Assert.That(_fired, Is.Empty);

        FireUntil(now + 1);
        Assert.That(_fired, Is.EqualTo(["past", "present"]));
    }

    [Test]
    public void A_timer_that_is_started_while_due_ones_are_taken_waits_for_the_next_turn()
    {
        var now = Now();
        Start("a", now + 1);

        while (_wheel.TakeDue(now + 1) is { } due)
        {
            due.Fire();
            if (_fired.Count < 100)
                Start("again", now + 1);
        }

        Assert.That(_fired, Is.EqualTo(["a"]));
        FireUntil(now + 2);
        Assert.That(_fired, Is.EqualTo(["a", "again"]));
    }

    [Test]
    public void A_huge_deadline_neither_overflows_nor_fires_before_its_time()
    {
        var now = Now();
        var timer = Start("never", long.MaxValue);

        FireUntil(now + 1);
        FireUntil(now + (100L * 365 * 24 * 3_600 * 1_000));

        Assert.That(_fired, Is.Empty);
        Assert.That(timer.IsPending, Is.True);
        _wheel.Cancel(timer);
    }

    [Test]
    public void A_restart_forgets_the_former_deadline()
    {
        var now = Now();
        var sooner = Start("sooner", now + 100_000);
        var later = Start("later", now + 10);
        _wheel.Start(sooner, now + 20);
        _wheel.Start(later, now + 100_000);

        FireUntil(now + 50);
        Assert.That(_fired, Is.EqualTo(["sooner"]));

        FireUntil(now + 100_000);
        Assert.That(_fired, Is.EqualTo(["sooner", "later"]));
    }

    [Test]
    public void A_cancelled_timer_does_not_fire_and_cancelling_twice_is_nothing()
    {
        var now = Now();
        var timer = Start("cancelled", now + 10);
        Start("other", now + 10);

        _wheel.Cancel(timer);
        _wheel.Cancel(timer);
        FireUntil(now + 100);

        Assert.That(_fired, Is.EqualTo(["other"]));
        Assert.That(timer.IsPending, Is.False);
    }

    [Test]
    public void A_timer_cancelled_by_another_of_the_same_deadline_does_not_fire()
    {
        var now = Now();
        LoopTimer? victim = null;
        var canceller = new LoopTimer(null!, _ => _wheel.Cancel(victim!), state: null);
        _wheel.Start(canceller, now + 10);
        victim = Start("victim", now + 10);

        FireUntil(now + 100);

        Assert.That(_fired, Is.Empty);
    }

    [Test]
    public void A_jump_of_the_clock_fires_each_once_in_order()
    {
        var now = Now();
        Start("c", now + 5_000_000);
        Start("a", now + 3);
        Start("b", now + 4_000);

        FireUntil(now + 1_000_000_000);

        Assert.That(_fired, Is.EqualTo(["a", "b", "c"]));
    }

    [Test]
    public void A_million_cancelled_timers_leave_nothing()
    {
        var random = Seed.NewRandom();
        var now = Now();
        var timers = Enumerable.Range(0, 1_000_000).Select(_ => Start("", now + 1 + random.Next())).ToArray();
        Assert.That(_wheel.Count, Is.EqualTo(timers.Length));

        foreach (var timer in timers)
            _wheel.Cancel(timer);

        Assert.That(_wheel.Count, Is.Zero);
        Assert.That(_wheel.NextMs(), Is.EqualTo(long.MaxValue));
        Assert.That(_wheel.TakeDue(now + int.MaxValue + 2L), Is.Null);
    }

    [Test]
    public void It_agrees_with_a_sorted_list_over_many_random_operations()
    {
        var random = Seed.NewRandom();
        var now = Now();
        var started = 0L;
        var model = new SortedDictionary<(long Deadline, long Started), LoopTimer>();
        var keys = new Dictionary<LoopTimer, (long Deadline, long Started)>();
        var timers = Enumerable.Range(0, 200).Select(static _ => new LoopTimer(null!, static _ => { }, state: null)).ToArray();
        for (var i = 0; i < 100_000; i++)
        {
            var timer = timers[random.Next(timers.Length)];
            switch (random.Next(3))
            {
                case 0:
                    if (keys.Remove(timer, out var former))
                        model.Remove(former);
                    var deadline = now + 1 + random.NextInt64(1L << random.Next(1, 24));
                    keys[timer] = (deadline, started);
                    model.Add((deadline, started++), timer);
                    _wheel.Start(timer, deadline);
                    break;
                case 1:
                    if (keys.Remove(timer, out former))
                        model.Remove(former);
                    _wheel.Cancel(timer);
                    break;
                default:
                    now += random.NextInt64(1L << random.Next(1, 12));
                    while (_wheel.TakeDue(now) is { } due)
                    {
                        var (key, expected) = model.First();
                        Assert.That(due, Is.SameAs(expected));
                        model.Remove(key);
                        keys.Remove(due);
                    }

                    Assert.That(model.Keys.FirstOrDefault((now + 1, 0)).Deadline, Is.GreaterThan(now));
                    break;
            }
        }

        foreach (var timer in timers)
            _wheel.Cancel(timer);
    }

    /// <summary>A wheel that has run for a while.</summary>
    private long Now()
    {
        const long now = 12_345;
        Assert.That(_wheel.TakeDue(now), Is.Null);
        return now;
    }

    private LoopTimer Start(string name, long deadlineMs)
    {
        var timer = new LoopTimer(null!, _ => _fired.Add(name), state: null);
        _wheel.Start(timer, deadlineMs);
        return timer;
    }

    private void FireUntil(long ms)
    {
        while (_wheel.TakeDue(ms) is { } due)
            due.Fire();
    }
}
