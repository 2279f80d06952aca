using static Reactor.DarwinAbi;

namespace Reactor.Tests;

/// <summary>What the kqueue poller asks of kevent(2), and when: one call for changes and wait, and nothing lost or told twice.</summary>
[TestFixture]
public sealed class KqueuePollerTests
{
    private const int NativeENOENT = 2;
    private const int NativeEBADF = 9;
    private const int NativeENOMEM = 12;

    private static readonly short[] Filters = [EVFILT_WRITE, EVFILT_READ, EVFILT_EXCEPT];

    private readonly PollEvent[] _events = new PollEvent[16];
    private ScriptedKqueue _kqueue = null!;
    private Poller _poller = null!;

    [SetUp]
    public void Make_a_poller()
    {
        _kqueue = new ScriptedKqueue();
        _poller = Over(_kqueue);
    }

    [TearDown]
    public void Dispose_of_it() => _poller.Dispose();

    [Test]
    public void What_is_added_goes_with_the_wait_as_one_call()
    {
        Assert.That(_poller.Add(5, TokenOf(5)), Is.Zero);
        Assert.That(_poller.Add(6, TokenOf(6)), Is.Zero);
        Assert.That(_kqueue.Calls, Is.Empty);

        Assert.That(_poller.Wait(_events, timeoutMs: 0), Is.Zero);

        var call = _kqueue.Calls.Single();
        Assert.That(call.Changes, Is.EqualTo(Added(5).Concat(Added(6))));
        Assert.That(call.Room, Is.GreaterThanOrEqualTo(_events.Length));
    }

    [Test]
    public void Where_there_is_no_filter_of_urgent_data_two_are_added()
    {
        var kqueue = new ScriptedKqueue { HasUrgent = false };
        using var poller = Over(kqueue);

        poller.Add(5, TokenOf(5));
        poller.Wait(_events, timeoutMs: 0);
        poller.Remove(5);

        Assert.That(kqueue.Calls[0].Changes, Is.EqualTo(Added(5).Where(static change => change.filter != EVFILT_EXCEPT)));
        Assert.That(kqueue.Calls[1].Changes.Select(static change => change.filter), Is.EquivalentTo([EVFILT_READ, EVFILT_WRITE]));
    }

    [Test]
    public void What_was_added_is_not_added_again_by_later_waits_and_removes()
    {
        _poller.Add(5, TokenOf(5));
        for (var i = 0; i < 3; i++) _poller.Wait(_events, timeoutMs: 0);
        _poller.Add(6, TokenOf(6));
        _poller.Remove(6);
        _poller.Wait(_events, timeoutMs: 0);

        Assert.That(AddsOf(5), Is.EqualTo(3));
        Assert.That(AddsOf(6), Is.EqualTo(3));
        Assert.That(_kqueue.Calls[^1].Changes, Is.Empty);
    }

    [Test]
    public void Interrupted_a_wait_does_not_make_its_changes_again()
    {
        _poller.Add(5, TokenOf(5));
        _kqueue.Failure = Errno.EINTR;

        Assert.That(_poller.Wait(_events, timeoutMs: -1), Is.EqualTo(-(int)Errno.EINTR));

        Assert.That(_kqueue.Registered, Has.Count.EqualTo(3));
        _kqueue.Tell(5, EVFILT_READ);
        Assert.That(Waited(), Is.EqualTo([new PollEvent(TokenOf(5), Readiness.Readable)]));
        Assert.That(_kqueue.Calls, Has.Count.EqualTo(2));
        Assert.That(_kqueue.Calls[1].Changes, Is.Empty);
    }

    [Test]
    public void Interrupted_after_events_a_wait_tells_none_of_them_twice()
    {
        _poller.Add(5, TokenOf(5));
        Waited();
        _kqueue.Tell(5, EVFILT_READ);
        Assert.That(Waited(), Has.Length.EqualTo(1));
        _kqueue.Failure = Errno.EINTR;

        Assert.That(_poller.Wait(_events, timeoutMs: 0), Is.EqualTo(-(int)Errno.EINTR));

        Assert.That(Waited(), Is.Empty);
    }

    [TestCase(Errno.EBADF)]
    [TestCase(Errno.EINVAL)]
    [TestCase(Errno.ENOMEM)]
    public void Another_failure_of_a_wait_is_answered(Errno errno)
    {
        _kqueue.Failure = errno;

        Assert.That(_poller.Wait(_events, timeoutMs: 0), Is.EqualTo(-(int)errno));
    }

    [Test]
    public void Remove_is_at_once_and_behind_what_was_added_before()
    {
        _poller.Add(5, TokenOf(5));

        Assert.That(_poller.Remove(5), Is.Zero);

        var call = _kqueue.Calls.Single();
        Assert.That(call.Changes.Take(3).Select(static change => (change.ident, change.filter, change.udata)), Is.EqualTo(Added(5).Select(static change => (change.ident, change.filter, change.udata))));
        Assert.That(call.Changes.Skip(3).Select(static change => (change.ident, change.filter)), Is.EquivalentTo(Filters.Select(static filter => ((nuint)5, filter))));
        Assert.That(call.Changes.Select(static change => change.flags), Is.EqualTo(
            Enumerable.Repeat<ushort>(EV_ADD | EV_CLEAR | EV_RECEIPT, 3).Concat(Enumerable.Repeat<ushort>(EV_DELETE | EV_RECEIPT, 3))));
        Assert.That(call.Room, Is.GreaterThanOrEqualTo(call.Changes.Length));
        Assert.That(call.Timeout, Is.EqualTo((0L, 0L)));
        Assert.That(_kqueue.Registered, Is.Empty);
    }

    [Test]
    public void Remove_takes_no_event_away_and_others_keep_theirs()
    {
        _poller.Add(5, TokenOf(5));
        _poller.Add(6, TokenOf(6));
        Waited();
        _kqueue.Tell(6, EVFILT_READ);
        _kqueue.Tell(5, EVFILT_READ);

        Assert.That(_poller.Remove(5), Is.Zero);

        Assert.That(Waited(), Is.EqualTo([new PollEvent(TokenOf(6), Readiness.Readable)]));
    }

    [Test]
    public void A_number_that_is_used_again_before_the_wait_is_watched_for_its_new_owner()
    {
        var second = new Token(Slot: 5, Generation: 2);
        _poller.Add(5, TokenOf(5));
        _poller.Remove(5);
        _poller.Add(5, second);
        Waited();

        _kqueue.Tell(5, EVFILT_READ);

        Assert.That(Waited(), Is.EqualTo([new PollEvent(second, Readiness.Readable)]));
        Assert.That(_kqueue.Registered, Has.Count.EqualTo(3));
    }

    [TestCase(NativeENOENT, Errno.ENOENT)]
    [TestCase(NativeEBADF, Errno.EBADF)]
    public void A_remove_that_is_refused_answers_why_and_harms_nobody(int native, Errno errno)
    {
        _kqueue.Refusal = change => (change.flags & EV_DELETE) != 0 ? native : 0;
        _poller.Add(5, TokenOf(5));
        _poller.Add(6, TokenOf(6));

        Assert.That(_poller.Remove(5), Is.EqualTo(-(int)errno));

        Assert.That(_kqueue.Registered.Count(static one => one.Ident == 6), Is.EqualTo(3));
        Assert.That(Waited(), Is.Empty);
        Assert.That(_kqueue.Calls[^1].Changes, Is.Empty);
    }

    [Test]
    public void A_remove_of_which_one_filter_is_refused_removes_the_others()
    {
        _poller.Add(5, TokenOf(5));
        Waited();
        _kqueue.Refusal = static change => change.filter == EVFILT_WRITE ? NativeENOENT : 0;

        Assert.That(_poller.Remove(5), Is.EqualTo(-(int)Errno.ENOENT));

        Assert.That(_kqueue.Registered, Is.EqualTo([((nuint)5, EVFILT_WRITE)]));
    }

    [TestCase(EVFILT_READ, NativeENOMEM, Errno.ENOMEM)]
    [TestCase(EVFILT_WRITE, 22, Errno.EINVAL)]
    [TestCase(EVFILT_EXCEPT, NativeEBADF, Errno.EBADF)]
    public void An_add_that_a_wait_finds_refused_is_told_once(short filter, int native, Errno errno)
    {
        _kqueue.Refusal = change => change.filter == filter ? native : 0;
        _poller.Add(5, TokenOf(5));

        Assert.That(Waited(), Is.EqualTo([new PollEvent(TokenOf(5), Readiness.Unwatched, errno)]));
        Assert.That(Waited(), Is.Empty);
    }

    [TestCase(EVFILT_READ, NativeENOMEM, Errno.ENOMEM)]
    [TestCase(EVFILT_WRITE, 22, Errno.EINVAL)]
    [TestCase(EVFILT_EXCEPT, NativeEBADF, Errno.EBADF)]
    public void An_add_that_a_receipt_finds_refused_is_told_once_by_the_next_wait(short filter, int native, Errno errno)
    {
        _kqueue.Refusal = change => change.filter == filter && change.ident == 5 ? native : 0;
        _poller.Add(5, TokenOf(5));
        _poller.Add(6, TokenOf(6));
        Assert.That(_poller.Remove(6), Is.Zero, "It is not this one that was refused.");
        _kqueue.ForgetCalls();

        Assert.That(Waited(), Is.EqualTo([new PollEvent(TokenOf(5), Readiness.Unwatched, errno)]));
        Assert.That(_kqueue.Calls, Is.Empty, "It is known already.");
        Assert.That(Waited(), Is.Empty);
    }

    [Test]
    public void Refused_adds_end_a_wait_and_hide_no_event()
    {
        _poller.Add(6, TokenOf(6));
        Waited();
        _kqueue.Tell(6, EVFILT_READ);
        _kqueue.Refusal = static change => change.filter == EVFILT_READ ? NativeENOMEM : 0;
        _poller.Add(5, TokenOf(5));

        Assert.That(Waited(), Is.EqualTo([new PollEvent(TokenOf(5), Readiness.Unwatched, Errno.ENOMEM)]));
        Assert.That(Waited(), Is.EqualTo([new PollEvent(TokenOf(6), Readiness.Readable)]));
    }

    [Test]
    public void More_events_than_asked_for_come_with_the_next_waits_and_cost_no_call()
    {
        var descriptors = Enumerable.Range(5, 10).ToList();
        descriptors.ForEach(descriptor => _poller.Add(descriptor, TokenOf(descriptor)));
        Waited();
        descriptors.ForEach(descriptor => _kqueue.Tell(descriptor, EVFILT_READ));
        _kqueue.ForgetCalls();

        var told = new List<PollEvent>();
        var two = new PollEvent[2];
        for (var i = 0; i < 5; i++)
        {
            Assert.That(_poller.Wait(two, timeoutMs: 0), Is.EqualTo(2));
            told.AddRange(two);
        }

        Assert.That(told, Is.EqualTo(descriptors.Select(static descriptor => new PollEvent(TokenOf(descriptor), Readiness.Readable))));
        Assert.That(_kqueue.Calls, Has.Count.EqualTo(1));
        Assert.That(_poller.Wait(two, timeoutMs: 0), Is.Zero);
        Assert.That(_kqueue.Calls, Has.Count.EqualTo(2));
    }

    [Test]
    public void A_refusal_comes_beside_the_events_that_are_left_however_many_they_are()
    {
        const int Many = 512;
        for (var descriptor = 1; descriptor <= Many; descriptor++) _poller.Add(descriptor, TokenOf(descriptor));
        Waited();
        for (var descriptor = 1; descriptor <= Many; descriptor++) _kqueue.Tell(descriptor, EVFILT_WRITE);
        var told = new List<PollEvent>(Waited());
        _kqueue.Refusal = static change => change.ident == 5000 && (change.flags & EV_ADD) != 0 ? NativeENOMEM : 0;
        _poller.Add(5000, TokenOf(5000));
        _poller.Remove(1);
        _kqueue.ForgetCalls();

        while (Waited() is { Length: > 0 } next && told.Count < 2 * Many) told.AddRange(next);

        Assert.That(_kqueue.Calls, Has.Count.EqualTo(1), "The last, which found nothing.");
        var (refusals, events) = (told.Where(static one => one.Token == TokenOf(5000)), told.Where(static one => one.Token != TokenOf(5000)));
        Assert.That(events, Is.EqualTo(Enumerable.Range(1, Many).Select(static descriptor => new PollEvent(TokenOf(descriptor), Readiness.Writable))));
        Assert.That(refusals, Is.EqualTo(Enumerable.Repeat(new PollEvent(TokenOf(5000), Readiness.Unwatched, Errno.ENOMEM), Filters.Length)));
    }

    [TestCase(1)]
    [TestCase(341)]
    [TestCase(300)]
    public void Each_change_finds_room_to_be_refused(int adds)
    {
        _kqueue.Refusal = static change => (change.flags & EV_ADD) != 0 ? NativeENOMEM : 0;
        for (var descriptor = 1; descriptor <= adds; descriptor++) _poller.Add(descriptor, TokenOf(descriptor));

        var told = new List<PollEvent>();
        var one = new PollEvent[1];
        while (_poller.Wait(one, timeoutMs: 0) is not 0 and var count)
        {
            Assert.That(count, Is.EqualTo(1));
            told.Add(one[0]);
        }

        Assert.That(told.GroupBy(static news => news.Token).Select(static group => (group.Key, group.Count())), Is.EqualTo(
            Enumerable.Range(1, adds).Select(static descriptor => (TokenOf(descriptor), Filters.Length))));
        Assert.That(_kqueue.Calls, Is.All.Matches<KeventCall>(static call => call!.Room >= call.Changes.Length));
    }

    [Test]
    public void A_wait_that_asks_for_more_than_usual_gets_them_in_one_call()
    {
        const int Many = 2000;
        for (var i = 0; i < Many; i++)
            _kqueue.Tell(new KEvent { ident = (nuint)i, filter = EVFILT_READ, flags = EV_CLEAR, udata = TokenOf(i).ToUInt64() });
        var events = new PollEvent[Many];

        Assert.That(_poller.Wait(events, timeoutMs: 0), Is.EqualTo(Many));
        Assert.That(events.Select(static news => news.Token), Is.EqualTo(Enumerable.Range(0, Many).Select(TokenOf)));
    }

    [Test]
    public void A_storm_of_adds_is_handed_over_before_the_wait_and_each_of_them_once()
    {
        const int Many = 1000;
        for (var descriptor = 1; descriptor <= Many; descriptor++) Assert.That(_poller.Add(descriptor, TokenOf(descriptor)), Is.Zero);
        var early = _kqueue.Calls;
        Assert.That(Waited(), Is.Empty, "Receipts of what went well are no news.");

        Assert.That(early, Is.Not.Empty);
        Assert.That(early, Is.All.Matches<KeventCall>(static call => call!.Room >= call.Changes.Length && call.Timeout == (0, 0)));
        Assert.That(_kqueue.Calls, Is.All.Matches<KeventCall>(static call => call!.Changes.Length is > 0 and <= 1024 + 3));
        Assert.That(_kqueue.Calls.SelectMany(static call => call.Changes).Select(static change => (change.ident, change.filter, change.udata)), Is.EqualTo(
            Enumerable.Range(1, Many).SelectMany(Added).Select(static change => (change.ident, change.filter, change.udata))));
    }

    [Test]
    public void A_refusal_in_a_storm_is_told_to_its_owner_alone()
    {
        _kqueue.Refusal = static change => change is { ident: 342, filter: EVFILT_WRITE } or { ident: 7, filter: EVFILT_READ } ? NativeENOMEM : 0;
        for (var descriptor = 1; descriptor <= 400; descriptor++) Assert.That(_poller.Add(descriptor, TokenOf(descriptor)), Is.Zero);

        Assert.That(Waited(), Is.EqualTo([new PollEvent(TokenOf(7), Readiness.Unwatched, Errno.ENOMEM), new PollEvent(TokenOf(342), Readiness.Unwatched, Errno.ENOMEM)]));
        Assert.That(Waited(), Is.Empty);
        Assert.That(_kqueue.Registered, Has.Count.EqualTo((400 * Filters.Length) - 2));
    }

    [TestCase(0, 0, 0)]
    [TestCase(1, 0, 1_000_000)]
    [TestCase(999, 0, 999_000_000)]
    [TestCase(1_000, 1, 0)]
    [TestCase(1_500, 1, 500_000_000)]
    [TestCase(86_400_000, 86_400, 0)]
    [TestCase(86_400_001, 86_400, 0)]
    [TestCase(int.MaxValue, 86_400, 0)]
    public void A_timeout_is_seconds_and_nanoseconds_and_a_day_at_most(int timeoutMs, long seconds, long nanoseconds)
    {
        _kqueue.Tell(new KEvent { filter = EVFILT_USER });

        Assert.That(_poller.Wait(_events, timeoutMs), Is.Zero);

        Assert.That(_kqueue.Calls.Single().Timeout, Is.EqualTo((seconds, nanoseconds)));
    }

    [Test]
    public void A_wait_without_a_timeout_has_none()
    {
        _kqueue.Tell(new KEvent { filter = EVFILT_USER });

        Assert.That(_poller.Wait(_events, timeoutMs: -1), Is.Zero);

        Assert.That(_kqueue.Calls.Single().Timeout, Is.Null);
    }

    [Test]
    public void Disposed_of_twice_it_closes_once()
    {
        _poller.Dispose();
        _poller.Dispose();

        Assert.That(_kqueue.Closes, Is.EqualTo(1));
    }

    private static Poller Over(ScriptedKqueue kqueue)
    {
        Assert.That(KqueuePoller.Create(kqueue, out var poller), Is.Zero);
        kqueue.ForgetCalls();
        return poller!;
    }

    private static Token TokenOf(int descriptor) => new((uint)descriptor, Generation: 1);

    private static KEvent[] Added(int descriptor) =>
    [
        .. Filters.Select(filter => new KEvent
        {
            ident = (nuint)descriptor,
            filter = filter,
            flags = EV_ADD | EV_CLEAR,
            fflags = filter == EVFILT_EXCEPT ? NOTE_OOB : 0,
            udata = TokenOf(descriptor).ToUInt64(),
        }),
    ];

    private int AddsOf(int descriptor) =>
        _kqueue.Calls.SelectMany(static call => call.Changes).Count(change => change.ident == (nuint)descriptor && (change.flags & EV_ADD) != 0);

    private PollEvent[] Waited()
    {
        var count = _poller.Wait(_events, timeoutMs: 0);
        Assert.That(count, Is.GreaterThanOrEqualTo(0));
        return _events[..count];
    }
}
