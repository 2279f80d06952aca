using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Several addresses of one name, dialled side by side, each a little after the one before.</summary>
[TestFixture]
public sealed class AddressRacingTests
{
    private static readonly TimeSpan Never = TimeSpan.FromHours(1);

    private static readonly IPAddress First = IPAddress.Parse("127.0.0.1");
    private static readonly IPAddress Second = IPAddress.Parse("127.0.0.2");
    private static readonly IPAddress Third = IPAddress.Parse("127.0.0.3");

    [TestCase("a", "a")]
    [TestCase("a b c", "a b c")]
    [TestCase("1 2 3", "1 2 3")]
    [TestCase("1 2 a b", "1 a 2 b")]
    [TestCase("a b 1 2", "a 1 b 2")]
    [TestCase("1 2 3 a", "1 a 2 3")]
    [TestCase("a 1 2 3", "a 1 2 3")]
    [TestCase("a 1 b 2 c 3", "a 1 b 2 c 3")]
    [TestCase("1 1 a 1 a 2", "1 a 2")]
    [TestCase("1 a 1 a", "1 a")]
    [TestCase("", "")]
    public void Families_take_turns_from_the_first_s_on_each_in_its_own_order_and_nothing_comes_twice(string given, string interleaved)
    {
        // A digit stands for an IPv4 address and a letter for an IPv6 one.
        static IPAddress[] Addresses(string names) =>
            [.. names.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static name => IPAddress.Parse(char.IsDigit(name[0]) ? $"192.0.2.{name}" : $"2001:db8::{name}"))];

        Assert.That(AddressRace.Interleave(Addresses(given)), Is.EqualTo(Addresses(interleaved)));
    }

    [TestCase(0)]
    [TestCase(9.999)]
    [TestCase(-2)]
    [TestCase(-1_000)]
    public void A_delay_of_less_than_ten_milliseconds_is_refused_when_it_is_set(double milliseconds) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(milliseconds) });

    [Test]
    public void A_delay_of_ten_milliseconds_and_an_infinite_one_are_taken()
    {
        Assert.That(new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(10) }.AttemptDelay, Is.EqualTo(TimeSpan.FromMilliseconds(10)));
        Assert.That(new ConnectOptions { AttemptDelay = Timeout.InfiniteTimeSpan }.AttemptDelay, Is.EqualTo(Timeout.InfiniteTimeSpan));
        Assert.That(new ConnectOptions().AttemptDelay, Is.EqualTo(TimeSpan.FromMilliseconds(250)));
    }

    [Test]
    public async Task When_the_first_works_no_other_is_ever_begun()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(10) }, First, Second, Third);

        var result = await connector.TryConnectAsync("name", listener.Port).Within();
        await loop.After(TimeSpan.FromMilliseconds(50));

        Assert.That((result.Outcome, result.EndPoint), Is.EqualTo((ConnectOutcome.Connected, listener.LocalEndPoint)));
        Assert.That(kernel.Count(KernelCall.Socket), Is.EqualTo(1));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task When_the_first_is_dead_the_second_begins_after_the_delay_and_wins()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static endPoint => endPoint.Address.Equals(First) };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start(new IPEndPoint(Second, 0));
        var delay = TimeSpan.FromMilliseconds(120);
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = delay }, First, Second);
        var sockets = Descriptors.Sockets();

        var (result, socketsThen, counters) = await loop.InvokeAsync(async () =>
        {
            var result = await connector.TryConnectAsync("name", listener.Port);
            return (result, Descriptors.Sockets(), loop.Counters);
        }).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
            Assert.That(result.EndPoint, Is.EqualTo(listener.LocalEndPoint));
            Assert.That(calls.Between(0, 1), Is.GreaterThanOrEqualTo(delay));
            Assert.That(Outcomes(result), Is.EqualTo([(First, ConnectOutcome.Canceled), (Second, ConnectOutcome.Connected)]));
            Assert.That(result.Attempts[0].Errno, Is.EqualTo(Errno.None));
            Assert.That(result.Attempts[0].Elapsed, Is.GreaterThanOrEqualTo(delay));
            Assert.That(socketsThen, Is.EqualTo(sockets + 1), "The loser was closed before the result came.");
            Assert.That((counters.Registrations, counters.Timers), Is.EqualTo((1, 0)));
        }

        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task When_the_first_is_refused_the_second_begins_at_once()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start(new IPEndPoint(Second, 0));
        using var refusing = new PortReservation(new IPEndPoint(First, listener.Port));
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = Never }, First, Second);

        var result = await connector.TryConnectAsync("name", listener.Port).Within();

        Assert.That(Outcomes(result), Is.EqualTo([(First, ConnectOutcome.Refused), (Second, ConnectOutcome.Connected)]));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task When_all_are_refused_one_result_lists_all_in_their_order()
    {
        await using var loop = TestLoop.Start();
        using var refusing = Loopback.Refusing();
        IPAddress[] addresses = [.. Enumerable.Range(1, 8).Select(static last => IPAddress.Parse($"127.0.0.{last}"))];
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = Never }, addresses);
        var sockets = Descriptors.Sockets();

        var result = await connector.TryConnectAsync("name", refusing.EndPoint.Port).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((result.Outcome, result.Errno, result.Syscall), Is.EqualTo((ConnectOutcome.Refused, Errno.ECONNREFUSED, "connect")));
            Assert.That(Outcomes(result), Is.EqualTo(addresses.Select(static address => (address, ConnectOutcome.Refused))));
            Assert.That(result.EndPoint, Is.EqualTo(new IPEndPoint(addresses[^1], refusing.EndPoint.Port)));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That((loop.Counters.Registrations, loop.Counters.Timers), Is.EqualTo((0, 0)));
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task An_immediate_failure_of_one_family_never_ends_the_other(bool failingFirst)
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel)
        {
            Fail = static endPoint => endPoint.AddressFamily == AddressFamily.InterNetworkV6 ? -(int)Errno.ENETUNREACH : null,
            IsHeld = static _ => true,
        };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();
        IPAddress[] addresses = failingFirst ? [IPAddress.IPv6Loopback, First] : [First, IPAddress.IPv6Loopback];
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(10) }, addresses);
        var connecting = connector.TryConnectAsync("name", listener.Port).AsTask();
        await Until.True(() => calls.Count == 2);
        await loop.Settled();
        Assert.That(connecting.IsCompleted, Is.False);

        await calls.LetGo(loop, First);
        var result = await connecting.Within();

        Assert.That(Outcomes(result), Is.EqualTo(addresses.Select(static address => (address, address.Equals(First) ? ConnectOutcome.Connected : ConnectOutcome.Unreachable))));
        Assert.That(result.Attempts.Single(static attempt => attempt.Outcome == ConnectOutcome.Unreachable).IsImmediate, Is.True);
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task An_earlier_attempt_goes_on_when_a_later_one_begins_and_may_still_win()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static _ => true };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(10) }, First, Second, Third);
        var connecting = connector.TryConnectAsync("name", listener.Port).AsTask();
        await Until.True(() => calls.Count == 3);
        Assert.That(loop.Counters.Registrations, Is.EqualTo(3), "All three are under way.");

        await calls.LetGo(loop, First);
        var result = await connecting.Within();

        Assert.That(Outcomes(result), Is.EqualTo([(First, ConnectOutcome.Connected), (Second, ConnectOutcome.Canceled), (Third, ConnectOutcome.Canceled)]));
        Assert.That(result.EndPoint, Is.EqualTo(listener.LocalEndPoint));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task A_refusal_of_a_later_one_does_not_end_an_earlier_one()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static endPoint => endPoint.Address.Equals(First) };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(10) }, First, Second, Third);
        var connecting = connector.TryConnectAsync("name", listener.Port).AsTask();
        await Until.True(() => calls.Count == 3 && loop.Counters.Registrations == 1);
        await loop.Settled();
        Assert.That(connecting.IsCompleted, Is.False);

        await calls.LetGo(loop, First);
        var result = await connecting.Within();

        Assert.That(Outcomes(result), Is.EqualTo([(First, ConnectOutcome.Connected), (Second, ConnectOutcome.Refused), (Third, ConnectOutcome.Refused)]));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task A_refusal_starts_the_next_at_once_while_an_earlier_one_is_under_way()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static endPoint => endPoint.Address.Equals(First) };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start(new IPEndPoint(Third, 0));
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = Never, ConnectTimeout = Timeout.InfiniteTimeSpan }, First, Second, Third);
        var connecting = connector.TryConnectAsync("name", listener.Port).AsTask();
        await Until.True(() => calls.Count == 1 && loop.Counters.Timers == 1);

        // The second's time comes, and the third's never does.
        kernel.Jump(Never);
        loop.Post(static () => { });
        var result = await connecting.Within();

        Assert.That(Outcomes(result), Is.EqualTo([(First, ConnectOutcome.Canceled), (Second, ConnectOutcome.Refused), (Third, ConnectOutcome.Connected)]));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task Of_two_that_connect_in_one_turn_one_wins_and_the_other_is_closed_without_a_byte()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static _ => true };

        // Room for both events in one batch, however small the suite's is.
        await using var loop = TestLoop.Start(kernel, eventsPerTurn: 64);
        using var one = RawListener.Start();
        using var other = RawListener.Start(new IPEndPoint(Second, one.Port));
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(10) }, First, Second);
        var sockets = Descriptors.Sockets();
        var connecting = connector.TryConnectAsync("name", one.Port).AsTask();
        await Until.True(() => calls.Count == 2);
        await loop.Settled();

        await calls.LetGo(loop, First, Second);
        var result = await connecting.Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
        Assert.That(loop.Counters.Connected, Is.EqualTo(2), "The test's own premise: both had connected.");
        Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.EquivalentTo([ConnectOutcome.Connected, ConnectOutcome.Canceled]));
        Assert.That(result.EndPoint, Is.EqualTo(result.Attempts.Single(static attempt => attempt.Outcome == ConnectOutcome.Connected).EndPoint));
        Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets + 1));
        var winnerIsFirst = result.EndPoint.Equals(one.LocalEndPoint);
        using var winner = (winnerIsFirst ? one : other).Accept();
        using var loser = (winnerIsFirst ? other : one).Accept();
        await result.Connection!.Output.WriteAsync("hello"u8.ToArray()).Within();
        Assert.That(winner.ReadText(5), Is.EqualTo("hello"));
        Assert.That(loser.EndsInOrder(), Is.False, "A reset, and nothing before it.");
        await result.Connection.CloseAsync().Within();
    }

    [Test]
    public async Task Many_losers_are_closed_and_listed_when_the_result_comes()
    {
        var kernel = new ScriptedKernel();
        IPAddress[] addresses = [.. Enumerable.Range(1, 12).Select(static last => IPAddress.Parse($"127.0.0.{last}"))];
        var calls = new ConnectCalls(kernel) { IsHeld = endPoint => !endPoint.Address.Equals(addresses[^1]) };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start(new IPEndPoint(addresses[^1], 0));
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(10) }, addresses);
        var sockets = Descriptors.Sockets();

        var (result, socketsThen, counters) = await loop.InvokeAsync(async () =>
        {
            var result = await connector.TryConnectAsync("name", listener.Port);
            return (result, Descriptors.Sockets(), loop.Counters);
        }).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.IsConnected, Is.True);
            Assert.That(Outcomes(result), Is.EqualTo(addresses.Select(address => (address, address.Equals(addresses[^1]) ? ConnectOutcome.Connected : ConnectOutcome.Canceled))));
            Assert.That(calls.Addresses, Is.EqualTo(addresses));
            Assert.That(socketsThen, Is.EqualTo(sockets + 1));
            Assert.That((counters.Registrations, counters.Timers, counters.Connections), Is.EqualTo((1, 0, 1)));
        }

        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task The_time_of_the_winner_s_dial_runs_from_the_first_attempt_on()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static endPoint => endPoint.Address.Equals(First) };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start(new IPEndPoint(Second, 0));
        var connector = Resolving(loop, new ConnectOptions { AttemptDelay = TimeSpan.FromMilliseconds(50) }, First, Second);

        var result = await connector.TryConnectAsync("name", listener.Port).Within();

        Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(50)));
        Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(result.Attempts[0].Elapsed));
        Assert.That(result.LocalEndPoint, Is.EqualTo(result.Connection!.LocalEndPoint).And.EqualTo(result.Attempts[1].LocalEndPoint));
        Assert.That(calls.Count, Is.EqualTo(2));
        await result.Connection.CloseAsync().Within();
    }

    [Test]
    public async Task A_race_is_one_dial_to_the_limit_on_dials_under_way()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static _ => true };
        await using var loop = TestLoop.Start(kernel);
        var connector = Resolving(loop, new ConnectOptions { MaxInFlight = 1, AttemptDelay = TimeSpan.FromMilliseconds(10) }, First, Second, Third);
        using var source = new CancellationTokenSource();

        var racing = connector.TryConnectAsync("name", 9, source.Token).AsTask();
        await Until.True(() => calls.Count == 3);

        Assert.That((connector.InFlight, connector.Queued, loop.Counters.Registrations), Is.EqualTo((1, 0, 3)));
        await source.CancelAsync();
        await racing.Within();
        Assert.That(connector.InFlight, Is.Zero);
    }

    private static IEnumerable<(IPAddress Address, ConnectOutcome Outcome)> Outcomes(ConnectResult result) =>
        result.Attempts.Select(static attempt => (((IPEndPoint)attempt.EndPoint).Address, attempt.Outcome));

    private static Connector Resolving(EventLoop loop, ConnectOptions options, params IPAddress[] addresses) =>
        new(loop, options) { Resolve = (_, _) => Task.FromResult(addresses) };
}
