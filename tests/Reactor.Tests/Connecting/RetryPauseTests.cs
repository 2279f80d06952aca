using System.Net;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The pause before a dial is tried again: how long it is, and what may end it.</summary>
[TestFixture]
public sealed class RetryPauseTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly ConnectRetryOptions AfterAnHour = new() { InitialDelay = Hour, MaxDelay = Hour };

    [Test]
    public void The_ceiling_doubles_up_to_its_own_and_the_pause_lies_between_nothing_and_it()
    {
        var retry = new ConnectRetryOptions { InitialDelay = TimeSpan.FromMilliseconds(100), MaxDelay = TimeSpan.FromSeconds(1) };
        double[] ceilingsMs = [100, 200, 400, 800, 1_000, 1_000, 1_000];

        for (var tries = 1; tries <= ceilingsMs.Length; tries++)
        {
            Assert.That(retry.Pause(tries, 1).TotalMilliseconds, Is.EqualTo(ceilingsMs[tries - 1]));
            Assert.That(retry.Pause(tries, 0.5).TotalMilliseconds, Is.EqualTo(ceilingsMs[tries - 1] / 2));
            Assert.That(retry.Pause(tries, 0), Is.EqualTo(TimeSpan.Zero));
        }
    }

    [TestCase(64)]
    [TestCase(1_025)]
    [TestCase(int.MaxValue)]
    public void However_many_tries_there_were_the_pause_neither_overflows_nor_shrinks(int tries)
    {
        Assert.That(new ConnectRetryOptions().Pause(tries, 1), Is.EqualTo(TimeSpan.FromSeconds(10)));
        var endless = new ConnectRetryOptions { InitialDelay = TimeSpan.MaxValue, MaxDelay = TimeSpan.MaxValue };
        Assert.That(endless.Pause(tries, 1), Is.GreaterThan(TimeSpan.FromDays(10_000_000)));
    }

    [Test]
    public void A_first_ceiling_above_the_last_is_cut_to_it() =>
        Assert.That(new ConnectRetryOptions { InitialDelay = Hour, MaxDelay = TimeSpan.FromSeconds(1) }.Pause(1, 1), Is.EqualTo(TimeSpan.FromSeconds(1)));

    [Test]
    public void The_defaults_are_three_tries_a_tenth_of_a_second_and_ten()
    {
        var retry = new ConnectRetryOptions();
        Assert.That((retry.Attempts, retry.InitialDelay, retry.MaxDelay), Is.EqualTo((3, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10))));
    }

    [Test]
    public void What_makes_no_sense_is_refused_when_it_is_set()
    {
        Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ConnectRetryOptions { Attempts = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ConnectRetryOptions { Attempts = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ConnectRetryOptions { InitialDelay = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ConnectRetryOptions { InitialDelay = Timeout.InfiniteTimeSpan });
        Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ConnectRetryOptions { MaxDelay = TimeSpan.Zero });
    }

    [Test]
    public async Task The_pauses_are_kept_by_the_kernel_s_clock()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var refusing = Loopback.Refusing();
        var drawn = new Queue<double>([1, 0.5, 0]);
        var connector = new Connector(loop, new ConnectOptions { Retry = new ConnectRetryOptions { Attempts = 4, InitialDelay = TimeSpan.FromMilliseconds(60) } }) { Jitter = drawn.Dequeue };

        var result = await connector.TryConnectAsync(refusing.EndPoint).Within();

        Assert.That(calls.Between(0, 1), Is.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(60)), "All of 60 ms.");
        Assert.That(calls.Between(1, 2), Is.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(60)), "Half of 120 ms.");
        Assert.That(drawn, Is.Empty, "Each pause is drawn by itself.");
        Assert.That(calls.Count, Is.EqualTo(4));
        Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(120)));
    }

    [Test]
    public async Task Cancelled_during_the_pause_it_ends_at_once_with_the_former_attempts_listed()
    {
        await using var loop = TestLoop.Start();
        using var refusing = Loopback.Refusing();
        var connector = new Connector(loop, new ConnectOptions { Retry = AfterAnHour }) { Jitter = static () => 1 };
        using var source = new CancellationTokenSource();
        var connecting = connector.TryConnectAsync(refusing.EndPoint, source.Token).AsTask();
        await Until.True(() => loop.Counters is { Timers: 1, Registrations: 0 });

        await source.CancelAsync();
        var result = await connecting.Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((result.Outcome, result.Errno, result.Syscall), Is.EqualTo((ConnectOutcome.Canceled, Errno.None, (string?)null)));
            Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.EqualTo([ConnectOutcome.Refused]));
            Assert.That(result.EndPoint, Is.EqualTo(refusing.EndPoint));
            Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(result.Attempts[0].Elapsed));
            Assert.That(loop.Counters.Timers, Is.Zero);
            Assert.That(loop.Counters.ConnectsCanceled, Is.Zero, "It was not the loop that ended it.");
        }
    }

    [Test]
    public async Task The_exception_of_one_cancelled_during_the_pause_carries_the_token()
    {
        await using var loop = TestLoop.Start();
        using var refusing = Loopback.Refusing();
        var connector = new Connector(loop, new ConnectOptions { Retry = AfterAnHour }) { Jitter = static () => 1 };
        using var source = new CancellationTokenSource();
        var connecting = connector.ConnectAsync(refusing.EndPoint, source.Token).AsTask();
        await Until.True(() => loop.Counters is { Timers: 1, Registrations: 0 });

        await source.CancelAsync();

        var error = await Assert.CatchAsync<OperationCanceledException>(async () => await connecting.Within());
        Assert.That(error!.CancellationToken, Is.EqualTo(source.Token));
    }

    [Test]
    public async Task Cancelled_during_the_second_try_the_first_is_listed_too()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel);
        calls.Fail = _ => calls.Count == 1 ? -(int)Errno.ECONNREFUSED : null;
        calls.IsHeld = static _ => true;
        await using var loop = TestLoop.Start(kernel);
        var connector = new Connector(loop, new ConnectOptions { Retry = new ConnectRetryOptions { InitialDelay = TimeSpan.FromTicks(1) } });
        using var source = new CancellationTokenSource();
        var connecting = connector.TryConnectAsync(new IPEndPoint(IPAddress.Loopback, 9), source.Token).AsTask();
        await Until.True(() => calls.Count == 2 && loop.Counters.Registrations == 1);

        await source.CancelAsync();
        var result = await connecting.Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Canceled));
        Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.EqualTo([ConnectOutcome.Refused, ConnectOutcome.Canceled]));
    }

    [Test]
    public async Task Dispose_during_the_pause_gives_the_caller_one_outcome()
    {
        var kernel = new ScriptedKernel();
        var loop = TestLoop.Start(kernel);
        using var refusing = Loopback.Refusing();
        var connector = new Connector(loop, new ConnectOptions { Retry = AfterAnHour }) { Jitter = static () => 1 };
        var connecting = Enumerable.Range(0, 100).Select(_ => connector.TryConnectAsync(refusing.EndPoint).AsTask()).ToArray();
        await Until.True(() => loop.Counters is { Timers: 100, Registrations: 0 });

        await loop.DisposeAsync().Within();
        var results = await Task.WhenAll(connecting).Within();

        Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(ConnectOutcome.Canceled));
        Assert.That(results.Select(static result => result.Attempts.Count), Is.All.EqualTo(1), "The one before the pause.");
        Assert.That(kernel.Count(KernelCall.Connect), Is.EqualTo(100));
        Assert.That((loop.Counters.ConnectsCanceled, connector.InFlight, connector.Queued), Is.EqualTo((100, 0, 0)));
    }

    [Test]
    public async Task The_place_among_those_under_way_is_given_up_for_the_pause()
    {
        await using var loop = TestLoop.Start();
        using var refusing = Loopback.Refusing();
        using var listener = RawListener.Start();
        var connector = new Connector(loop, new ConnectOptions { MaxInFlight = 1, Retry = AfterAnHour }) { Jitter = static () => 1 };
        using var source = new CancellationTokenSource();
        var pausing = connector.TryConnectAsync(refusing.EndPoint, source.Token).AsTask();
        await Until.True(() => loop.Counters is { Timers: 1, Registrations: 0 });
        Assert.That((connector.InFlight, connector.Queued), Is.EqualTo((0, 0)));

        await using (await connector.ConnectAsync(listener.LocalEndPoint).Within())
            Assert.That(pausing.IsCompleted, Is.False);

        await source.CancelAsync();
        Assert.That((await pausing.Within()).Outcome, Is.EqualTo(ConnectOutcome.Canceled));
    }

    [Test]
    public async Task Whoever_is_to_be_tried_again_waits_its_turn_behind_those_that_came_meanwhile()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var refusing = Loopback.Refusing();
        var connector = new Connector(loop, new ConnectOptions { MaxInFlight = 1, Retry = new ConnectRetryOptions { Attempts = 2, InitialDelay = TimeSpan.FromTicks(1) } });
        IPAddress[] addresses = [.. Enumerable.Range(1, 5).Select(static last => IPAddress.Parse($"127.0.0.{last}"))];

        var results = await loop.InvokeAsync(() => Task.WhenAll(addresses.Select(address => connector.TryConnectAsync(new IPEndPoint(address, refusing.EndPoint.Port)).AsTask()))).Within();

        Assert.That(results.Select(static result => result.Attempts.Count), Is.All.EqualTo(2));
        Assert.That(calls.Addresses.Take(2), Is.EqualTo(addresses.Take(2)), "The first one's second try did not come before the second one's first.");
        Assert.That(calls.Count, Is.EqualTo(10));
    }
}
