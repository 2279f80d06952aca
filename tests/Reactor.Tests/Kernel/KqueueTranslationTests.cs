using static Reactor.DarwinAbi;

namespace Reactor.Tests;

/// <summary>Every answer that kevent(2) of macOS can give for a socket, and what the poller tells of it.</summary>
[TestFixture]
public sealed class KqueueTranslationTests
{
    private const int Socket = 5;

    private static readonly Token Mine = new(Slot: 3, Generation: 7);

    // Comes behind each, so that what is told as nothing stands in nobody's way.
    private static readonly Token Next = new(Slot: 4, Generation: 1);

    // so_error, as fflags beside EV_EOF has it. 54, 51 and 50 have the bit of NOTE_OOB.
    private static readonly (int Native, Errno Ours)[] SocketErrors =
    [
        (54, Errno.ECONNRESET),
        (61, Errno.ECONNREFUSED),
        (60, Errno.ETIMEDOUT),
        (65, Errno.EHOSTUNREACH),
        (51, Errno.ENETUNREACH),
        (50, Errno.ENETDOWN),
        (64, Errno.EHOSTDOWN),
        (57, Errno.ENOTCONN),
        (53, Errno.ECONNABORTED),
        (55, Errno.ENOBUFS),
        (32, Errno.EPIPE),
        (13, Errno.EACCES),
        (999, (Errno)(DarwinErrno.Foreign + 999)),
    ];

    // What a change is refused with.
    private static readonly (int Native, Errno Ours)[] Refusals =
    [
        (12, Errno.ENOMEM),
        (9, Errno.EBADF),
        (2, Errno.ENOENT),
        (22, Errno.EINVAL),
        (13, Errno.EACCES),
        (45, Errno.EOPNOTSUPP),
    ];

    private static readonly (string Name, short Number)[] Filters = [("READ", EVFILT_READ), ("WRITE", EVFILT_WRITE), ("EXCEPT", EVFILT_EXCEPT)];

    private static IEnumerable<TestCaseData> Ready()
    {
        foreach (var left in (int[])[0, 1, 5, 1_000_000])
        {
            yield return Row($"READ, {left} bytes", Kevent(EVFILT_READ, data: left), Readiness.Readable);
            yield return Row($"WRITE, room for {left}", Kevent(EVFILT_WRITE, data: left), Readiness.Writable);
            yield return Row($"EXCEPT, urgent, {left} bytes before the mark", Kevent(EVFILT_EXCEPT, fflags: NOTE_OOB, data: left), Readiness.Urgent);
            yield return Row($"EXCEPT, {left} ordinary bytes", Kevent(EVFILT_EXCEPT, data: left), Readiness.None);
        }

        // The mark may lie behind bytes that the system does not count.
        yield return Row("EXCEPT, urgent, a negative count", Kevent(EVFILT_EXCEPT, fflags: NOTE_OOB, data: -1), Readiness.Urgent);

        // Only EVFILT_EXCEPT was asked for urgent data; without EV_EOF fflags are no errno.
        yield return Row("READ, with the bit of NOTE_OOB", Kevent(EVFILT_READ, fflags: NOTE_OOB, data: 5), Readiness.Readable);
        yield return Row("WRITE, with the bit of NOTE_OOB", Kevent(EVFILT_WRITE, fflags: NOTE_OOB, data: 5), Readiness.Writable);
        foreach (var (native, ours) in SocketErrors)
        {
            yield return Row($"READ, {ours.Name} in fflags and no end", Kevent(EVFILT_READ, fflags: (uint)native), Readiness.Readable);
            yield return Row($"WRITE, {ours.Name} in fflags and no end", Kevent(EVFILT_WRITE, fflags: (uint)native), Readiness.Writable);
        }
    }

    private static IEnumerable<TestCaseData> Ended()
    {
        foreach (var left in (int[])[0, 5])
        {
            yield return Row($"READ, end, {left} bytes left", Kevent(EVFILT_READ, EV_EOF, data: left), Readiness.Readable | Readiness.ReadClosed);
            yield return Row($"WRITE, end, room for {left}", Kevent(EVFILT_WRITE, EV_EOF, data: left), Readiness.Writable);
            yield return Row($"EXCEPT, end, {left} bytes left", Kevent(EVFILT_EXCEPT, EV_EOF, data: left), Readiness.None);
            yield return Row($"EXCEPT, end, the bit of NOTE_OOB, {left} bytes left", Kevent(EVFILT_EXCEPT, EV_EOF, NOTE_OOB, left), Readiness.None);
            foreach (var (native, ours) in SocketErrors)
            {
                yield return Row($"READ, end, {ours.Name}, {left} bytes left", Kevent(EVFILT_READ, EV_EOF, (uint)native, left), Readiness.Readable | Readiness.ReadClosed | Readiness.Error, ours);
                yield return Row($"WRITE, end, {ours.Name}, room for {left}", Kevent(EVFILT_WRITE, EV_EOF, (uint)native, left), Readiness.Writable | Readiness.Error, ours);
                yield return Row($"EXCEPT, end, {ours.Name}, {left} bytes left", Kevent(EVFILT_EXCEPT, EV_EOF, (uint)native, left), Readiness.None);
            }
        }
    }

    private static IEnumerable<TestCaseData> Refused()
    {
        foreach (var (name, filter) in Filters)
        {
            foreach (var (native, ours) in Refusals)
            {
                yield return Row($"{name}, {ours.Name}", Kevent(filter, EV_ERROR, filter == EVFILT_EXCEPT ? NOTE_OOB : 0, native), Readiness.Unwatched, ours);
                yield return Row($"{name}, {ours.Name}, in a receipt", Kevent(filter, EV_ERROR | EV_RECEIPT, filter == EVFILT_EXCEPT ? NOTE_OOB : 0, native), Readiness.Unwatched, ours);
            }
        }
    }

    private static IEnumerable<TestCaseData> OfNoSocket()
    {
        yield return Row("USER, a wake-up", Kevent(EVFILT_USER), Readiness.None);
        yield return Row("USER, a wake-up with its trigger", Kevent(EVFILT_USER, fflags: NOTE_TRIGGER), Readiness.None);

        // EVFILT_AIO, _VNODE, _PROC, _SIGNAL, _TIMER, _MACHPORT, _FS, _VM, and what is no filter.
        foreach (var filter in (short[])[-3, -4, -5, -6, -7, -8, -9, -12, -100, 0, 1, short.MinValue, short.MaxValue])
        {
            yield return Row($"filter {filter}", Kevent(filter, fflags: NOTE_OOB, data: 1), Readiness.None);
            yield return Row($"filter {filter}, end, ECONNRESET", Kevent(filter, EV_EOF, 54), Readiness.None);
        }
    }

    // A socket that was added with a receipt has EV_RECEIPT in all its events; the others are the system's own.
    private static IEnumerable<TestCaseData> WithOtherFlags()
    {
        foreach (var (name, flag) in ((string, ushort)[])[("EV_RECEIPT", EV_RECEIPT), ("EV_ENABLE", 0x4), ("EV_ONESHOT", 0x10), ("EV_DISPATCH", 0x80), ("EV_UDATA_SPECIFIC", 0x100), ("EV_FLAG0", 0x1000), ("EV_OOBAND", 0x2000)])
        {
            yield return Row($"READ, {name}", Kevent(EVFILT_READ, flag, data: 1), Readiness.Readable);
            yield return Row($"READ, end, {name}", Kevent(EVFILT_READ, (ushort)(EV_EOF | flag)), Readiness.Readable | Readiness.ReadClosed);
            yield return Row($"WRITE, end, ECONNREFUSED, {name}", Kevent(EVFILT_WRITE, (ushort)(EV_EOF | flag), 61), Readiness.Writable | Readiness.Error, Errno.ECONNREFUSED);
            yield return Row($"EXCEPT, urgent, {name}", Kevent(EVFILT_EXCEPT, flag, NOTE_OOB), Readiness.Urgent);
        }
    }

    private static IEnumerable<TestCaseData> Tokens()
    {
        foreach (var token in (Token[])[new(0, 1), new(1, 0x8000_0000), new(0x8000_0000, 1), new(uint.MaxValue, uint.MaxValue), new(0xDEAD_BEEF, 0x0123_4567)])
        {
            foreach (var (name, filter) in Filters)
                yield return new TestCaseData(filter, token).SetArgDisplayNames(name, $"{token}");
        }
    }

    [TestCaseSource(nameof(Ready))]
    [TestCaseSource(nameof(Ended))]
    [TestCaseSource(nameof(Refused))]
    [TestCaseSource(nameof(OfNoSocket))]
    [TestCaseSource(nameof(WithOtherFlags))]
    public void What_kevent_tells_is_what_the_poller_tells(object native, Readiness readiness, Errno errno)
    {
        var told = Told((KEvent)native);

        PollEvent[] expected = readiness == Readiness.None ? [] : [new PollEvent(Mine, readiness, errno)];
        Assert.That(told, Is.EqualTo(expected.Append(new PollEvent(Next, Readiness.Readable))));
    }

    [TestCaseSource(nameof(Tokens))]
    public void The_token_is_udata_bit_for_bit(short filter, Token token)
    {
        var told = Told(Kevent(filter, fflags: filter == EVFILT_EXCEPT ? NOTE_OOB : 0) with { udata = token.ToUInt64() });

        Assert.That(told[0].Token, Is.EqualTo(token));
        Assert.That(Token.FromUInt64(token.ToUInt64()), Is.EqualTo(token));
    }

    [Test]
    public void Where_there_is_no_filter_of_urgent_data_its_events_are_none() =>
        Assert.That(Told(Kevent(EVFILT_EXCEPT, fflags: NOTE_OOB), hasUrgent: false), Is.EqualTo([new PollEvent(Next, Readiness.Readable)]));

    private static TestCaseData Row(string name, KEvent native, Readiness readiness, Errno errno = Errno.None) =>
        new TestCaseData(native, readiness, errno).SetArgDisplayNames(name, $"{readiness}", errno.Name);

    private static KEvent Kevent(short filter, ushort flags = 0, uint fflags = 0, nint data = 0) =>
        new() { ident = Socket, filter = filter, flags = (ushort)(EV_ADD | EV_CLEAR | flags), fflags = fflags, data = data, udata = Mine.ToUInt64() };

    private static PollEvent[] Told(KEvent native, bool hasUrgent = true)
    {
        var kqueue = new ScriptedKqueue { HasUrgent = hasUrgent };
        Assert.That(KqueuePoller.Create(kqueue, out var poller), Is.Zero);
        using (poller)
        {
            kqueue.Tell(native, new KEvent { ident = Socket + 1, filter = EVFILT_READ, flags = EV_ADD | EV_CLEAR, udata = Next.ToUInt64() });
            var events = new PollEvent[4];
            var count = poller!.Wait(events, timeoutMs: 0);
            Assert.That(count, Is.Positive);
            return events[..count];
        }
    }
}
