using System.Diagnostics;
using Reactor.Tests.Fixtures;
using static Reactor.DarwinAbi;

namespace Reactor.Tests;

/// <summary>One kevent(2), as it was called.</summary>
/// <param name="Changes">What it was to change.</param>
/// <param name="Room">How many events it had room for.</param>
/// <param name="Timeout">How long it was to wait; null for ever.</param>
internal sealed record KeventCall(KEvent[] Changes, int Room, (long Seconds, long Nanoseconds)? Timeout);

/// <summary>
/// A kqueue(2) that knows of sockets what the test tells it, and otherwise does with changes, receipts, room and time what that
/// of macOS does: errors and receipts first and alone, then events, as far as there is room.
/// </summary>
internal sealed unsafe class ScriptedKqueue : Kqueue
{
    /// <summary>What no real descriptor is.</summary>
    public const int Descriptor = 1_000_000;

    private const int NativeENOENT = 2;

    private readonly object _gate = new();
    private readonly List<KeventCall> _calls = [];
    private readonly List<KEvent> _events = [];
    private readonly Dictionary<(nuint Ident, short Filter), ulong> _registered = [];
    private int _closes;

    /// <summary>What kqueue(2) answers.</summary>
    public int Created { get; init; } = Descriptor;

    /// <summary>Whether the system can watch for urgent data.</summary>
    public bool HasUrgent { get; init; } = true;

    /// <summary>The errno, in the numbers of macOS, with which a change is refused; 0 for one that is made.</summary>
    public Func<KEvent, int>? Refusal { get; set; }

    /// <summary>With what the next call fails, once it has made its changes.</summary>
    public Errno Failure { get; set; }

    public int Closes => Volatile.Read(ref _closes);

    public IReadOnlyList<KeventCall> Calls
    {
        get
        {
            lock (_gate)
                return [.. _calls];
        }
    }

    /// <summary>What is watched now, but for wake-ups.</summary>
    public IReadOnlyCollection<(nuint Ident, short Filter)> Registered
    {
        get
        {
            lock (_gate)
                return [.. _registered.Keys.Where(static key => key.Filter != EVFILT_USER)];
        }
    }

    internal override short UserFilter => EVFILT_USER;

    internal override short ExceptFilter => HasUrgent ? EVFILT_EXCEPT : (short)0;

    /// <summary>Forgets the calls so far.</summary>
    public void ForgetCalls()
    {
        lock (_gate)
            _calls.Clear();
    }

    /// <summary>To be told by the next wait that has room.</summary>
    public void Tell(params ReadOnlySpan<KEvent> news)
    {
        lock (_gate)
        {
            _events.AddRange(news);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The same, with what the filter was added with.</summary>
    public void Tell(int descriptor, short filter, ushort flags = 0, uint fflags = 0, nint data = 0)
    {
        lock (_gate)
        {
            Tell(new KEvent
            {
                ident = (nuint)descriptor,
                filter = filter,
                flags = (ushort)(flags | EV_ADD | EV_CLEAR),
                fflags = fflags,
                data = data,
                udata = _registered[((nuint)descriptor, filter)],
            });
        }
    }

    internal override int Create() => Created;

    internal override int Kevent(int kqueue, ReadOnlySpan<KEvent> changes, Span<KEvent> events, Timespec* timeout)
    {
        lock (_gate)
        {
            if (kqueue != Created || Closes > 0) return -(int)Errno.EBADF;
            _calls.Add(new KeventCall(changes.ToArray(), events.Length, timeout is null ? null : (timeout->tv_sec, timeout->tv_nsec)));
            var told = 0;
            foreach (var change in changes)
            {
                var errno = Make(change);
                if (told < events.Length && (errno != 0 || (change.flags & EV_RECEIPT) != 0))
                    events[told++] = change with { flags = (ushort)(change.flags | EV_ERROR), data = errno };
                else if (errno != 0)
                    return -(int)ToErrno(errno);
            }

            if (Failure != Errno.None)
            {
                var failure = -(int)Failure;
                Failure = Errno.None;
                return failure;
            }

            if (told > 0 || events.IsEmpty) return told;
            AwaitNews(timeout is null ? Until.Limit : TimeSpan.FromSeconds(timeout->tv_sec) + TimeSpan.FromMicroseconds(timeout->tv_nsec / 1000.0));
            told = Math.Min(events.Length, _events.Count);
            _events[..told].CopyTo(events);
            _events.RemoveRange(0, told);
            return told;
        }
    }

    internal override void Close(int kqueue)
    {
        if (kqueue == Created) Interlocked.Increment(ref _closes);
    }

    internal override Errno ToErrno(int native) => DarwinErrno.FromNative(native);

    private int Make(in KEvent change)
    {
        if (Refusal?.Invoke(change) is > 0 and var errno) return errno;
        var (ident, filter) = (change.ident, change.filter);
        if ((change.flags & EV_DELETE) != 0)
        {
            _events.RemoveAll(one => one.ident == ident && one.filter == filter);
            return _registered.Remove((ident, filter)) ? 0 : NativeENOENT;
        }

        if ((change.flags & EV_ADD) != 0) _registered[(ident, filter)] = change.udata;
        else if (!_registered.ContainsKey((ident, filter))) return NativeENOENT;

        // Triggered twice and not told between, it is told once.
        if (filter == EVFILT_USER && (change.fflags & NOTE_TRIGGER) != 0 && !_events.Exists(static one => one.filter == EVFILT_USER))
            Tell(change with { flags = EV_ADD | EV_CLEAR, fflags = 0 });
        return 0;
    }

    private void AwaitNews(TimeSpan time)
    {
        var waiting = Stopwatch.StartNew();
        while (_events.Count == 0 && time > waiting.Elapsed)
            Monitor.Wait(_gate, TimeSpan.FromMilliseconds(Math.Min(Until.Limit.TotalMilliseconds, Math.Ceiling((time - waiting.Elapsed).TotalMilliseconds))));
    }
}

/// <summary>Linux, whose poller asks a scripted kqueue(2): sockets and bytes are real, and the test tells what is told of them.</summary>
/// <param name="kqueue">What the poller asks.</param>
internal sealed class KernelOnScriptedKqueue(ScriptedKqueue kqueue) : LinuxKernel
{
    public override string PollerSyscall => "kqueue";

    public override int CreatePoller(out Poller? poller) => KqueuePoller.Create(kqueue, out poller);
}
