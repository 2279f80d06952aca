using static Reactor.DarwinAbi;
using static Reactor.UnixAbi;

namespace Reactor;

/// <summary>The calls and numbers that <see cref="KqueuePoller"/> stands on, so that a test can put another kqueue(2) under it.</summary>
internal abstract unsafe class Kqueue
{
    /// <summary>The filter of wake-ups.</summary>
    internal abstract short UserFilter { get; }

    /// <summary>The filter of urgent data; 0 where there is none.</summary>
    internal abstract short ExceptFilter { get; }

    /// <summary>kqueue(2), close-on-exec.</summary>
    /// <returns>The descriptor, or a negative errno.</returns>
    internal abstract int Create();

    /// <summary>kevent(2). A null timeout waits for ever.</summary>
    /// <returns>How many events there are, or a negative errno.</returns>
    internal abstract int Kevent(int kqueue, ReadOnlySpan<KEvent> changes, Span<KEvent> events, Timespec* timeout);

    /// <summary>close(2).</summary>
    internal abstract void Close(int kqueue);

    /// <summary>What the system calls this errno, as ours.</summary>
    internal abstract Errno ToErrno(int native);
}

/// <summary>The kqueue of macOS.</summary>
internal sealed unsafe class SystemKqueue : Kqueue
{
    internal override short UserFilter => EVFILT_USER;

    internal override short ExceptFilter => EVFILT_EXCEPT;

    internal override int Create()
    {
        var kqueue = LibSystem.kqueue();
        if (kqueue < 0) return -(int)ToErrno(Libc.errno);

        // A child made by fork(2) does not have it, but exec(2) alone would hand it on.
        _ = LibSystem.fcntl(kqueue, F_SETFD, FD_CLOEXEC);
        return kqueue;
    }

    internal override int Kevent(int kqueue, ReadOnlySpan<KEvent> changes, Span<KEvent> events, Timespec* timeout)
    {
        fixed (KEvent* firstChange = changes, firstEvent = events)
        {
            var count = LibSystem.kevent(kqueue, firstChange, changes.Length, firstEvent, events.Length, timeout);
            return count < 0 ? -(int)ToErrno(Libc.errno) : count;
        }
    }

    internal override void Close(int kqueue) => _ = Libc.close(kqueue);

    internal override Errno ToErrno(int native) => DarwinErrno.FromNative(native);
}
