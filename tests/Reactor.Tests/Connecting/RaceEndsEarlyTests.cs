using System.Net;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A race of addresses that nobody wins: cancelled, out of time, or the loop ends; and those with more addresses than time.</summary>
[TestFixture]
public sealed class RaceEndsEarlyTests
{
    private static readonly IPAddress[] Three = [IPAddress.Parse("127.0.0.1"), IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.3")];

    [Test]
    public async Task Cancelled_during_the_race_all_attempts_end_and_no_other_begins()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static _ => true };
        await using var loop = TestLoop.Start(kernel);
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(30) }, Addresses(100));
        using var source = new CancellationTokenSource();
        var sockets = Descriptors.Sockets();
        var connecting = connector.TryConnectAsync("name", 9, source.Token).AsTask();
        await Until.True(() => calls.Count >= 3);

        await source.CancelAsync();
        var result = await connecting.Within();

        var begun = calls.Count;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((result.Outcome, result.Errno), Is.EqualTo((ConnectOutcome.Canceled, Errno.None)));
            Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.All.EqualTo(ConnectOutcome.Canceled));
            Assert.That(result.Attempts, Has.Count.EqualTo(begun));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That((loop.Counters.Registrations, loop.Counters.Timers, connector.InFlight), Is.EqualTo((0, 0, 0)));
        }

        await loop.After(TimeSpan.FromMilliseconds(100));
        Assert.That(calls.Count, Is.EqualTo(begun));
    }

    [TestCase(1)]
    [TestCase(3)]
    public async Task An_address_to_dial_from_that_cannot_be_one_reaches_the_caller_and_leaves_nothing(int addresses)
    {
        await using var loop = TestLoop.Start();
        var connector = Resolving(loop, new ConnectOptions { LocalEndPoints = [new Nowhere()] }, Addresses(addresses));
        var sockets = Descriptors.Sockets();

        await Assert.ThrowsAsync<NotImplementedException>(() => connector.TryConnectAsync("name", 9).Within());

        Assert.That((connector.InFlight, loop.Counters.Registrations, loop.Counters.Timers), Is.EqualTo((0, 0, 0)));
        Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
    }

    [Test]
    public async Task No_route_for_one_family_does_not_hide_that_the_other_was_refused_and_may_be_tried_again()
    {
        var kernel = new ScriptedKernel();
        kernel.OnConnect = (descriptor, address) => address.Family == System.Net.Sockets.AddressFamily.InterNetworkV6
            ? -(int)Errno.ENETUNREACH
            : kernel.Real.Connect(descriptor, address);
        await using var loop = TestLoop.Start(kernel);
        var retry = new ConnectRetryOptions { Attempts = 3, InitialDelay = TimeSpan.FromMilliseconds(1) };
        var connector = Resolving(loop, new ConnectOptions { Retry = retry }, IPAddress.Loopback, IPAddress.Parse("2001:db8::1"));

        using var refusing = Loopback.Refusing();
        var result = await connector.TryConnectAsync("name", refusing.EndPoint.Port).Within();

        Assert.That((result.Outcome, result.Errno, result.Attempts.Count), Is.EqualTo((ConnectOutcome.Refused, Errno.ECONNREFUSED, 6)));
        Assert.That(result.ToString(), Does.Contain("one of 6 attempts at name:"));
    }

    [Test]
    public void Null_is_no_address_to_dial_from() =>
        Assert.Throws<ArgumentException>(static () => _ = new ConnectOptions { LocalEndPoints = [null!] });

    [Test]
    public async Task Cancelled_between_the_resolver_s_answer_and_the_first_attempt_nothing_is_dialled()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        using var source = new CancellationTokenSource();
        var connector = new Connector(loop)
        {
            Resolve = (_, _) =>
            {
                source.Cancel();
                return Task.FromResult(Three);
            },
        };

        var result = await connector.TryConnectAsync("name", 9, source.Token).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Canceled));
        Assert.That(kernel.Count(KernelCall.Connect), Is.Zero);
        Assert.That((connector.InFlight, loop.Counters.Timers), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Cancelled_when_one_has_just_failed_and_others_are_left_it_is_cancelled()
    {
        var kernel = new ScriptedKernel();
        using var source = new CancellationTokenSource();
        kernel.OnSocketError = descriptor =>
        {
            source.Cancel();
            return kernel.Real.SocketError(descriptor);
        };
        await using var loop = TestLoop.Start(kernel);
        using var refusing = Loopback.Refusing();
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromHours(1) }, Three);

        var result = await connector.TryConnectAsync("name", refusing.EndPoint.Port, source.Token).Within();

        Assert.That((result.Outcome, result.Errno), Is.EqualTo((ConnectOutcome.Canceled, Errno.None)));
        Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.EqualTo([ConnectOutcome.Refused]));
        Assert.That(kernel.Count(KernelCall.Connect), Is.EqualTo(1));
    }

    [Test]
    public async Task A_late_cancel_does_not_touch_the_winner()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static endPoint => endPoint.Address.Equals(Three[0]) };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start(new IPEndPoint(Three[1], 0));
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(10), ConnectTimeout = TimeSpan.FromSeconds(2) }, Three);
        using var source = new CancellationTokenSource();
        await using var connection = await connector.ConnectAsync("name", listener.Port, source.Token).Within();
        using var peer = listener.Accept();

        await source.CancelAsync();
        await loop.After(TimeSpan.FromSeconds(2.1));

        peer.Send("alive");
        var read = await connection.Input.ReadAtLeastAsync(5).Within();
        Assert.That(read.Buffer.Length, Is.EqualTo(5));
        connection.Input.AdvanceTo(read.Buffer.End);
        Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.None));
        Assert.That(calls.Count, Is.EqualTo(2));
    }

    [Test]
    public async Task The_deadline_ends_all_attempts_at_once()
    {
        var timeout = TimeSpan.FromMilliseconds(300);
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static _ => true };
        await using var loop = TestLoop.Start(kernel);
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(10), ConnectTimeout = timeout }, Three);
        var sockets = Descriptors.Sockets();

        var result = await connector.TryConnectAsync("name", 9).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((result.Outcome, result.Errno), Is.EqualTo((ConnectOutcome.TimedOut, Errno.None)));
            Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(timeout));
            Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.All.EqualTo(ConnectOutcome.TimedOut));
            Assert.That(result.Attempts, Has.Count.EqualTo(calls.Count));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That((loop.Counters.Registrations, loop.Counters.Timers), Is.EqualTo((0, 0)));
        }
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_thousand_copies_of_one_dead_address_are_one_attempt_with_all_the_time(bool oneByOne)
    {
        var timeout = TimeSpan.FromMilliseconds(200);
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static _ => true };
        await using var loop = TestLoop.Start(kernel);
        var options = new ConnectOptions { ConnectTimeout = timeout };
        if (oneByOne)
            options = options with { AttemptDelay = Timeout.InfiniteTimeSpan };
        var connector = Resolving(loop, options, [.. Enumerable.Repeat(Three[0], 1_000)]);

        var result = await connector.TryConnectAsync("name", 9).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.TimedOut));
        Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(timeout));
        Assert.That((calls.Count, result.Attempts.Count), Is.EqualTo((1, 1)));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_thousand_different_dead_addresses_do_not_break_the_deadline(bool oneByOne)
    {
        var timeout = TimeSpan.FromMilliseconds(400);
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static _ => true };
        await using var loop = TestLoop.Start(kernel);
        var options = new ConnectOptions { ConnectTimeout = timeout };
        if (oneByOne)
            options = options with { AttemptDelay = Timeout.InfiniteTimeSpan };
        var connector = Resolving(loop, options, Addresses(1_000));
        var sockets = Descriptors.Sockets();

        var result = await connector.TryConnectAsync("name", 9).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.TimedOut));
            Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(timeout).And.LessThan(TimeSpan.FromSeconds(10)));
            Assert.That(result.Attempts, Has.Count.EqualTo(calls.Count));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That((loop.Counters.Registrations, loop.Counters.Timers), Is.EqualTo((0, 0)));
        }

        // Ten milliseconds apart at least (RFC 8305, 5), so the rest had no time left and was never dialled.
        if (!oneByOne)
            Assert.That(calls.Count, Is.InRange(2, (int)(result.Elapsed.TotalMilliseconds / 10) + 1));
    }

    [Test]
    public async Task A_thousand_addresses_that_fail_at_once_are_gone_through_to_the_one_that_works()
    {
        var kernel = new ScriptedKernel();
        var addresses = Addresses(1_000);
        var calls = new ConnectCalls(kernel) { Fail = endPoint => endPoint.Address.Equals(addresses[^1]) ? null : -(int)Errno.ENETUNREACH };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start(new IPEndPoint(addresses[^1], 0));
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromHours(1) }, addresses);

        var result = await connector.TryConnectAsync("name", listener.Port).Within();

        Assert.That((result.Outcome, result.Attempts.Count, calls.Count), Is.EqualTo((ConnectOutcome.Connected, 1_000, 1_000)));
        Assert.That(calls.Addresses, Is.EqualTo(addresses));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task With_little_time_they_follow_each_other_faster_so_that_the_last_has_its_share()
    {
        // With the whole delay between them the last would begin when the time is over.
        var kernel = new ScriptedKernel();
        var addresses = Addresses(6);
        var calls = new ConnectCalls(kernel) { IsHeld = endPoint => !endPoint.Address.Equals(addresses[^1]) };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start(new IPEndPoint(addresses[^1], 0));
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromSeconds(1), ConnectTimeout = TimeSpan.FromSeconds(4) }, addresses);

        var result = await connector.TryConnectAsync("name", listener.Port).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
        Assert.That(calls.Addresses, Is.EqualTo(addresses));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task With_an_infinite_delay_they_are_tried_one_by_one_each_with_its_share()
    {
        var kernel = new ScriptedKernel();
        var most = 0;
        var calls = new ConnectCalls(kernel) { IsHeld = static endPoint => !endPoint.Address.Equals(Three[2]) };
        await using var loop = TestLoop.Start(kernel);
        var connect = kernel.OnConnect!;
        kernel.OnConnect = (descriptor, address) =>
        {
            most = Math.Max(most, loop.Counters.Registrations);
            return connect(descriptor, address);
        };
        using var listener = RawListener.Start(new IPEndPoint(Three[2], 0));
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = Timeout.InfiniteTimeSpan, ConnectTimeout = TimeSpan.FromSeconds(1.5) }, Three);

        var result = await connector.TryConnectAsync("name", listener.Port).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.EqualTo([ConnectOutcome.TimedOut, ConnectOutcome.TimedOut, ConnectOutcome.Connected]));
            Assert.That(result.Attempts[0].Elapsed, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(0.5)), "A third of the time.");
            Assert.That(calls.Between(0, 1), Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(0.5)));
            Assert.That(most, Is.Zero, "None began while another was under way.");
        }

        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task Without_a_deadline_and_a_delay_the_next_begins_when_the_one_before_has_failed()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start(new IPEndPoint(Three[2], 0));
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = Timeout.InfiniteTimeSpan, ConnectTimeout = Timeout.InfiniteTimeSpan }, Three);

        var result = await connector.TryConnectAsync("name", listener.Port).Within();

        Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.EqualTo([ConnectOutcome.Refused, ConnectOutcome.Refused, ConnectOutcome.Connected]));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task Dispose_during_the_race_gives_the_caller_one_outcome_and_begins_nothing_more()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static _ => true };
        var loop = TestLoop.Start(kernel);
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(20) }, Addresses(100));
        var ends = 0;
        var connecting = loop.InvokeAsync(async () =>
        {
            var result = await connector.TryConnectAsync("name", 9);
            Interlocked.Increment(ref ends);
            return result;
        });
        await Until.True(() => calls.Count >= 3);

        await loop.DisposeAsync().Within();
        var result = await connecting.Within();

        Assert.That((result.Outcome, ends, connector.InFlight), Is.EqualTo((ConnectOutcome.Canceled, 1, 0)));
        Assert.That(result.Attempts.Take(calls.Count).Select(static attempt => attempt.Outcome), Is.All.EqualTo(ConnectOutcome.Canceled));
        Assert.That(result.Attempts, Has.Count.EqualTo(calls.Count), "Only what was tried is listed.");
        Assert.That(loop.Counters.ConnectsCanceled, Is.EqualTo(1), "A race is one dial.");
    }

    [Test]
    public async Task Hundreds_of_races_at_once_each_have_one_winner_and_leave_nothing()
    {
        await using var server = TestLoop.Start();
        await using var listener = await server.ListenAsync(new IPEndPoint(Three[1], 0), Handlers.Discard).Within();
        await using var loop = TestLoop.Start();
        var port = ((IPEndPoint)listener.LocalEndPoint).Port;
        using var refusing = new PortReservation(new IPEndPoint(Three[0], port));
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(10), MaxInFlight = 200 }, Three);
        var sockets = Descriptors.Sockets();

        var results = await loop.InvokeAsync(() => Task.WhenAll(Enumerable.Range(0, 500).Select(async _ =>
        {
            var result = await connector.TryConnectAsync("name", port);
            if (result.Connection is { } connection)
                await connection.CloseAsync();
            return result;
        }))).Within();

        Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(ConnectOutcome.Connected));
        Assert.That(results.Select(static result => ((IPEndPoint)result.EndPoint).Address), Is.All.EqualTo(Three[1]));
        Assert.That((loop.Counters.Registrations, loop.Counters.Timers, loop.Counters.Connections), Is.EqualTo((0, 0, 0)));
        await Until.True(() => Descriptors.Sockets() == sockets);
    }

    [Test]
    public async Task Cancelled_at_any_moment_each_race_has_one_outcome_and_leaves_nothing()
    {
        var random = Seed.NewRandom();
        await using var server = TestLoop.Start();
        await using var listener = await server.ListenAsync(new IPEndPoint(Three[2], 0), Handlers.Discard).Within();
        await using var loop = TestLoop.Start();
        var port = ((IPEndPoint)listener.LocalEndPoint).Port;
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(10) }, Three);
        for (var round = 0; round < 20; round++)
        {
            using var source = new CancellationTokenSource();
            var connecting = Enumerable.Range(0, 30).Select(_ => connector.TryConnectAsync("name", port, source.Token).AsTask()).ToArray();
            for (var spin = random.Next(20_000); spin > 0; spin--)
                Thread.SpinWait(1);
            await source.CancelAsync();

            foreach (var result in await Task.WhenAll(connecting).Within())
            {
                Assert.That(result.Outcome, Is.AnyOf(ConnectOutcome.Connected, ConnectOutcome.Canceled));
                if (result.Connection is { } connection)
                    await connection.CloseAsync().Within();
            }
        }

        await Until.True(() => loop.Counters.Registrations == 0);
        Assert.That((loop.Counters.Timers, connector.InFlight), Is.EqualTo((0, 0)));
    }

    private static IPAddress[] Addresses(int count) =>
        [.. Enumerable.Range(0, count).Select(static number => IPAddress.Parse($"127.1.{number / 250}.{1 + (number % 250)}"))];

    private static Connector Resolving(EventLoop loop, ConnectOptions options, params IPAddress[] addresses) =>
        new(loop, options) { Resolve = (_, _) => Task.FromResult(addresses) };

    /// <summary>An end point of somebody's own that has no socket address.</summary>
    private sealed class Nowhere : EndPoint;
}
