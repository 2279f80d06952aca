using System.Net;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Dials spread evenly over time. Times are those of connect(2), by the kernel's clock.</summary>
[TestFixture]
public sealed class ConnectPaceTests
{
    private const long Ms = 1_000_000;

    // Beyond any clock of a test, so that a place that comes by time alone never comes.
    private const double AlmostNever = 0.0001;

    [Test]
    public void The_pace_lets_one_go_each_interval_and_says_how_long_the_next_has_to_wait()
    {
        var pace = new ConnectPace(10);

        Assert.That(pace.TryTake(1_000 * Ms, hasWaited: false, out var wait), Is.True);
        Assert.That(wait, Is.EqualTo(TimeSpan.Zero));
        Assert.That(pace.TryTake(1_000 * Ms, hasWaited: false, out wait), Is.False);
        Assert.That(wait, Is.EqualTo(TimeSpan.FromMilliseconds(100)));
        Assert.That(pace.TryTake(1_104 * Ms, hasWaited: true, out _), Is.True);
        Assert.That(pace.TryTake(1_199 * Ms, hasWaited: true, out wait), Is.False);
        Assert.That(wait, Is.EqualTo(TimeSpan.FromMilliseconds(1)), "The four milliseconds of lateness are made up for.");
        Assert.That(pace.TryTake(1_200 * Ms, hasWaited: true, out _), Is.True);
    }

    [TestCase(50)]
    [TestCase(1_000)]
    [TestCase(33_333)]
    public void Over_any_time_the_pace_is_its_number_and_what_ten_milliseconds_hold(double perSecond)
    {
        var random = Seed.NewRandom();
        var pace = new ConnectPace(perSecond);
        var taken = new List<long>();

        // A loop that is sometimes late, and now and then very late.
        for (long nowNs = 0; nowNs < 5_000 * Ms; nowNs += random.Next(100) == 0 ? 300 * Ms : random.Next((int)(2 * Ms)))
        {
            while (pace.TryTake(nowNs, hasWaited: true, out _))
                taken.Add(nowNs);
        }

        foreach (var windowMs in (long[])[1, 20, 100, 1_000])
            Assert.That(MostWithin(taken, windowMs * Ms), Is.LessThanOrEqualTo((int)(perSecond * (windowMs + 10) / 1_000) + 2), $"In {windowMs} ms");
    }

    [Test]
    public void A_loop_that_is_a_little_late_keeps_the_whole_number()
    {
        var pace = new ConnectPace(1_000);
        var taken = 0;
        for (long nowNs = 0; nowNs < 1_000 * Ms; nowNs += 7 * Ms)
        {
            while (pace.TryTake(nowNs, hasWaited: true, out _))
                taken++;
        }

        Assert.That(taken, Is.InRange(990, 1_011));
    }

    [Test]
    public void After_a_pause_there_is_no_burst()
    {
        var pace = new ConnectPace(1_000);
        while (pace.TryTake(0, hasWaited: false, out _))
        {
        }

        var afterAnHour = 0;
        while (pace.TryTake(3_600_000 * Ms, hasWaited: false, out _))
            afterAnHour++;

        Assert.That(afterAnHour, Is.EqualTo(1));
    }

    [Test]
    public void Without_a_limit_nobody_waits()
    {
        var pace = new ConnectPace(double.PositiveInfinity);

        Assert.That(pace.IsLimited, Is.False);
        for (var i = 0; i < 10_000; i++)
            Assert.That(pace.TryTake(0, hasWaited: true, out _), Is.True);
    }

    [Test]
    public void A_pace_next_to_nothing_does_not_overflow()
    {
        var pace = new ConnectPace(double.Epsilon);

        Assert.That(pace.TryTake(0, hasWaited: true, out _), Is.True);
        Assert.That(pace.TryTake(0, hasWaited: true, out var wait), Is.False);
        Assert.That(wait, Is.GreaterThan(TimeSpan.FromDays(365)));
    }

    [TestCase(0)]
    [TestCase(-1)]
    [TestCase(double.NaN)]
    [TestCase(double.NegativeInfinity)]
    public void No_connects_at_all_or_fewer_are_refused_when_they_are_set(double perSecond) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ConnectOptions { ConnectsPerSecond = perSecond });

    [Test]
    public async Task The_pace_is_even_and_first_come_is_first_served()
    {
        const int Dials = 600;
        const int PerSecond = 1_000;
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var refusing = Loopback.Refusing();
        var connector = new Connector(loop, new ConnectOptions { ConnectsPerSecond = PerSecond });
        var endPoints = EndPoints(Dials, refusing.EndPoint.Port);
        var startNs = kernel.Timestamp;

        var results = await loop.InvokeAsync(() => Task.WhenAll(endPoints.Select(endPoint => connector.TryConnectAsync(endPoint).AsTask()))).Within();

        var times = calls.All.Select(static call => call.AtNs).ToList();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(ConnectOutcome.Refused));
            Assert.That(calls.All.Select(static call => call.EndPoint), Is.EqualTo(endPoints));

            // 10 ms of lateness are made up for, and those that were let in may be held up once more before they dial.
            Assert.That(MostWithin(times, 100 * Ms), Is.LessThanOrEqualTo((PerSecond / 10) + 22));
            Assert.That(times[^1] - startNs, Is.GreaterThanOrEqualTo((Dials - 12) * (1_000_000_000L / PerSecond)));
            Assert.That((connector.InFlight, connector.Queued, loop.Counters.Timers), Is.EqualTo((0, 0, 0)));
        }
    }

    [Test]
    public async Task After_a_time_without_dials_the_next_many_are_spread_as_well()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var refusing = Loopback.Refusing();
        var connector = new Connector(loop, new ConnectOptions { ConnectsPerSecond = 1_000 });
        await connector.TryConnectAsync(refusing.EndPoint).Within();
        kernel.Jump(TimeSpan.FromMinutes(10));
        var startNs = kernel.Timestamp;

        await loop.InvokeAsync(() => Task.WhenAll(Enumerable.Range(0, 200).Select(_ => connector.TryConnectAsync(refusing.EndPoint).AsTask()))).Within();

        Assert.That(calls.All[^1].AtNs - startNs, Is.GreaterThanOrEqualTo((200 - 12) * Ms));
    }

    [Test]
    public async Task One_that_is_cancelled_while_it_waits_takes_no_place_in_time()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var refusing = Loopback.Refusing();
        var connector = new Connector(loop, new ConnectOptions { ConnectsPerSecond = AlmostNever });
        using var source = new CancellationTokenSource();
        await connector.TryConnectAsync(refusing.EndPoint).Within();
        var waiting = await loop.InvokeAsync(() => Enumerable.Range(0, 1_000).Select(_ => connector.TryConnectAsync(refusing.EndPoint, source.Token).AsTask()).ToArray()).Within();
        var last = connector.TryConnectAsync(refusing.EndPoint).AsTask();
        await Until.True(() => connector.Queued == 1_001);

        await source.CancelAsync();
        var results = await Task.WhenAll(waiting).Within();
        Assert.That(results.Select(static result => (result.Outcome, result.Attempts.Count)), Is.All.EqualTo((ConnectOutcome.Canceled, 0)));
        Assert.That((connector.Queued, calls.Count), Is.EqualTo((1, 1)));

        // One interval, and not a thousand, lies between the first and the last.
        kernel.Jump(TimeSpan.FromSeconds(1 / AlmostNever));
        loop.Post(static () => { });
        Assert.That((await last.Within()).Outcome, Is.EqualTo(ConnectOutcome.Refused));
        Assert.That((calls.Count, loop.Counters.Timers), Is.EqualTo((2, 0)));
    }

    [Test]
    public async Task When_the_last_that_waits_is_cancelled_no_timer_is_left()
    {
        await using var loop = TestLoop.Start();
        using var refusing = Loopback.Refusing();
        var connector = new Connector(loop, new ConnectOptions { ConnectsPerSecond = AlmostNever });
        using var source = new CancellationTokenSource();
        await connector.TryConnectAsync(refusing.EndPoint).Within();
        var waiting = connector.TryConnectAsync(refusing.EndPoint, source.Token).AsTask();
        await Until.True(() => connector.Queued == 1 && loop.Counters.Timers == 1);

        await source.CancelAsync();

        Assert.That((await waiting.Within()).Outcome, Is.EqualTo(ConnectOutcome.Canceled));
        Assert.That((connector.Queued, connector.InFlight, loop.Counters.Timers), Is.EqualTo((0, 0, 0)));
    }

    [TestCase(int.MaxValue)]
    [TestCase(1)]
    public async Task Dispose_while_they_wait_for_their_time_gives_every_caller_one_outcome(int maxInFlight)
    {
        const int Dials = 2_000;
        var kernel = new ScriptedKernel();
        var loop = TestLoop.Start(kernel);
        using var refusing = Loopback.Refusing();
        var connector = new Connector(loop, new ConnectOptions { ConnectsPerSecond = AlmostNever, MaxInFlight = maxInFlight });
        await connector.TryConnectAsync(refusing.EndPoint).Within();
        var ends = new int[Dials];
        async Task<ConnectOutcome> Dial(int number)
        {
            var result = await connector.TryConnectAsync(refusing.EndPoint);
            ends[number]++;
            return result.Outcome;
        }

        var dialling = await loop.InvokeAsync(() => Enumerable.Range(0, Dials).Select(Dial).ToArray()).Within();
        Assert.That((connector.InFlight, connector.Queued), Is.EqualTo((0, Dials)), "The test's own premise.");

        await loop.DisposeAsync().Within();
        var outcomes = await Task.WhenAll(dialling).Within();

        Assert.That(outcomes, Is.All.EqualTo(ConnectOutcome.Canceled));
        Assert.That(ends, Is.All.EqualTo(1));
        Assert.That(kernel.Count(KernelCall.Connect), Is.EqualTo(1));
        Assert.That((connector.InFlight, connector.Queued, loop.Counters.ConnectsCanceled), Is.EqualTo((0, 0, Dials)));
    }

    [Test]
    public async Task Both_limits_hold_together()
    {
        const int Dials = 300;
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var refusing = Loopback.Refusing();
        var connector = new Connector(loop, new ConnectOptions { ConnectsPerSecond = 1_000, MaxInFlight = 2 });
        var most = 0;
        var connect = kernel.OnConnect!;
        kernel.OnConnect = (descriptor, address) =>
        {
            most = Math.Max(most, connector.InFlight);
            return connect(descriptor, address);
        };
        var endPoints = EndPoints(Dials, refusing.EndPoint.Port);
        var startNs = kernel.Timestamp;

        await loop.InvokeAsync(() => Task.WhenAll(endPoints.Select(endPoint => connector.TryConnectAsync(endPoint).AsTask()))).Within();

        Assert.That(most, Is.InRange(1, 2));
        Assert.That(calls.All.Select(static call => call.EndPoint), Is.EqualTo(endPoints));
        Assert.That(calls.All[^1].AtNs - startNs, Is.GreaterThanOrEqualTo((Dials - 12) * Ms));
    }

    [Test]
    public async Task A_full_house_holds_up_those_whose_time_has_come()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static _ => true };
        await using var loop = TestLoop.Start(kernel);
        var connector = new Connector(loop, new ConnectOptions { ConnectsPerSecond = 10_000, MaxInFlight = 3 });
        using var source = new CancellationTokenSource();

        var dialling = Enumerable.Range(0, 20).Select(_ => connector.TryConnectAsync(new IPEndPoint(IPAddress.Loopback, 9), source.Token).AsTask()).ToArray();
        await Until.True(() => connector.InFlight == 3 && connector.Queued == 17);
        kernel.Jump(TimeSpan.FromSeconds(1));
        await loop.After(TimeSpan.FromMilliseconds(20));

        Assert.That(calls.Count, Is.EqualTo(3));
        await source.CancelAsync();
        Assert.That((await Task.WhenAll(dialling).Within()).Select(static result => result.Outcome), Is.All.EqualTo(ConnectOutcome.Canceled));
    }

    [Test]
    public async Task Each_try_takes_a_place_in_time()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var refusing = Loopback.Refusing();
        var connector = new Connector(loop, new ConnectOptions
        {
            ConnectsPerSecond = 20,
            Retry = new ConnectRetryOptions { Attempts = 3, InitialDelay = TimeSpan.FromTicks(1) },
        });

        await connector.TryConnectAsync(refusing.EndPoint).Within();

        Assert.That(calls.Count, Is.EqualTo(3));
        Assert.That(calls.Between(0, 2), Is.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(85)), "Two intervals of 50 ms, and the lateness that is made up for.");
    }

    /// <summary>Each its own address, so that their order can be read from connect(2).</summary>
    private static IPEndPoint[] EndPoints(int count, int port) =>
        [.. Enumerable.Range(0, count).Select(number => new IPEndPoint(IPAddress.Parse($"127.2.{number / 250}.{1 + (number % 250)}"), port))];

    private static int MostWithin(List<long> times, long windowNs)
    {
        var most = 0;
        for (int first = 0, last = 0; last < times.Count; last++)
        {
            while (times[last] - times[first] >= windowNs)
                first++;
            most = Math.Max(most, last - first + 1);
        }

        return most;
    }
}
