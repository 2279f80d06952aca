using System.Diagnostics;
using System.Runtime.InteropServices;
using static Reactor.DarwinAbi;

namespace Reactor;

/// <summary>
/// The poller on kqueue(2): a socket has a filter for reading, one for writing and one for urgent data, all edge triggered
/// (<c>EV_CLEAR</c>), and each tells for itself. What is added is handed over with the next wait, in the same kevent(2).
/// </summary>
internal sealed unsafe class KqueuePoller : Poller
{
    // More than these are handed over at once, so that a storm of connects does not grow the list without bound. (libkqueue
    // takes the receipts of 512 and no more.)
    private const int MostChanges = 256;

    // A wait takes what is there in one call, however few events the loop asks for: the rest is kept for the next waits.
    private const int LeastRoom = 512;

    // A wait that the system finds too long is EINVAL, and what that is depends on its version: above some days in older ones. Who
    // waits for longer is woken for nothing once a day.
    private const int LongestWaitMs = 24 * 60 * 60 * 1000;

    private readonly Kqueue _system;
    private readonly int _kqueue;

    // What the next kevent(2) is to change, and room for its receipts.
    private readonly List<KEvent> _changes = [];
    private KEvent[] _receipts = new KEvent[16];

    // What kevent(2) has told and the loop was not told yet: from _next to _told.
    private KEvent[] _events = new KEvent[LeastRoom];
    private int _next;
    private int _told;

    // Whom the system refused to watch outside a wait. They come first.
    private readonly Queue<PollEvent> _refused = new();

    private int _disposed;

    private KqueuePoller(Kqueue system, int kqueue)
    {
        _system = system;
        _kqueue = kqueue;
    }

    public override string AddSyscall => "kevent";

    internal static int Create(Kqueue system, out Poller? poller)
    {
        poller = null;
        var kqueue = system.Create();
        if (kqueue < 0) return kqueue;

        Span<KEvent> receipt = stackalloc KEvent[1];
        ReadOnlySpan<KEvent> wake = [new KEvent { filter = system.UserFilter, flags = EV_ADD | EV_CLEAR | EV_RECEIPT }];
        var now = default(Timespec);
        var answer = system.Kevent(kqueue, wake, receipt, &now);
        if (answer > 0) answer = -(int)system.ToErrno((int)receipt[0].data);
        if (answer < 0)
        {
            system.Close(kqueue);
            return answer;
        }

        poller = new KqueuePoller(system, kqueue);
        return 0;
    }

    public override int Add(int descriptor, Token token)
    {
        if (descriptor < 0) return -(int)Errno.EBADF;
        Change(descriptor, EV_ADD | EV_CLEAR, token);
        return _changes.Count < MostChanges ? 0 : HandOver();
    }

    // At once: the descriptor is closed next, and its number may be another socket's before the next wait. What was added
    // and not handed over yet goes first, in its order.
    public override int Remove(int descriptor)
    {
        if (descriptor < 0) return -(int)Errno.EBADF;
        Change(descriptor, EV_DELETE, default);
        return HandOver();
    }

    public override int Wait(Span<PollEvent> events, int timeoutMs)
    {
        var count = 0;
        while (count < events.Length && _refused.TryDequeue(out var refused)) events[count++] = refused;

        if (_next == _told && count == 0)
        {
            var answer = Fetch(Math.Max(events.Length, LeastRoom), timeoutMs);
            if (answer < 0) return answer;
        }

        while (_next < _told && count < events.Length)
        {
            var news = Translate(_events[_next++]);
            if (news.Readiness != Readiness.None) events[count++] = news;
        }

        return count;
    }

    public override int Wake()
    {
        ReadOnlySpan<KEvent> trigger = [new KEvent { filter = _system.UserFilter, fflags = NOTE_TRIGGER }];
        return _system.Kevent(_kqueue, trigger, [], timeout: null);
    }

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _system.Close(_kqueue);
    }

    private void Change(int descriptor, int flags, Token token)
    {
        Debug.Assert(_disposed == 0, "A poller is used after its end.");

        // macOS does not mind the order; libkqueue tells of a half-close only when reading is added last.
        var change = new KEvent { ident = (nuint)descriptor, filter = EVFILT_WRITE, flags = (ushort)flags, udata = token.ToUInt64() };
        _changes.Add(change);
        _changes.Add(change with { filter = EVFILT_READ });
        if (_system.ExceptFilter != 0) _changes.Add(change with { filter = _system.ExceptFilter, fflags = NOTE_OOB });
    }

    /// <summary>Has the system make all changes now. They have receipts, one each and in their order, and so no event is taken.</summary>
    /// <returns>0, or the errno of a delete, negative.</returns>
    private int HandOver()
    {
        var changes = CollectionsMarshal.AsSpan(_changes);
        foreach (ref var change in changes) change.flags |= EV_RECEIPT;
        if (_receipts.Length < changes.Length) _receipts = new KEvent[changes.Length];

        var now = default(Timespec);
        var count = _system.Kevent(_kqueue, changes, _receipts.AsSpan(0, changes.Length), &now);
        Debug.Assert(count < 0 || count == changes.Length, "A change has no receipt.");
        var answer = 0;
        for (var i = 0; i < changes.Length; i++)
        {
            var errno = Refusal(count, i);
            if (errno == Errno.None) continue;
            if ((changes[i].flags & EV_DELETE) == 0) _refused.Enqueue(new PollEvent(Token.FromUInt64(changes[i].udata), Readiness.Unwatched, errno));
            else if (answer == 0) answer = -(int)errno;
        }

        _changes.Clear();
        return answer;
    }

    // Interrupted, it has made all changes nevertheless (EINTR in kevent(2)); after any other failure nobody knows which.
    private Errno Refusal(int count, int change)
    {
        if (count == -(int)Errno.EINTR || (count >= 0 && change >= count)) return Errno.None;
        return count < 0 ? (Errno)(-count) : _system.ToErrno((int)_receipts[change].data);
    }

    private int Fetch(int room, int timeoutMs)
    {
        // Each change that is refused needs room, too: kevent(2) stops at one that finds none.
        room = Math.Max(room, _changes.Count);
        if (_events.Length < room) _events = new KEvent[room];

        timeoutMs = Math.Min(timeoutMs, LongestWaitMs);
        var timeout = new Timespec { tv_sec = timeoutMs / 1000, tv_nsec = timeoutMs % 1000 * 1_000_000 };
        var count = _system.Kevent(_kqueue, CollectionsMarshal.AsSpan(_changes), _events.AsSpan(0, room), timeoutMs < 0 ? null : &timeout);

        // What was added before a failure may be added again.
        if (count >= 0 || count == -(int)Errno.EINTR) _changes.Clear();
        _next = 0;
        _told = Math.Max(count, 0);
        return count;
    }

    private PollEvent Translate(in KEvent told)
    {
        var token = Token.FromUInt64(told.udata);
        if ((told.flags & EV_ERROR) != 0) return new PollEvent(token, Readiness.Unwatched, _system.ToErrno((int)told.data));

        var hasEnded = (told.flags & EV_EOF) != 0;
        var readiness = told.filter switch
        {
            EVFILT_READ => hasEnded ? Readiness.Readable | Readiness.ReadClosed : Readiness.Readable,

            // Also once we have shut down our side ourselves, so that its end says nothing of the peer.
            EVFILT_WRITE => Readiness.Writable,

            // This filter tells of everything that the one for reading does; past the end its fflags are an errno.
            _ when told.filter == _system.ExceptFilter && !hasEnded && (told.fflags & NOTE_OOB) != 0 => Readiness.Urgent,
            _ => Readiness.None,
        };
        if (!hasEnded || told.fflags == 0 || readiness == Readiness.None) return new PollEvent(token, readiness);
        return new PollEvent(token, readiness | Readiness.Error, _system.ToErrno((int)told.fflags));
    }
}
