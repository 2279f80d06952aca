using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static Reactor.LinuxAbi;

namespace Reactor;

/// <summary>The poller on epoll(7), woken through an eventfd(2).</summary>
internal sealed unsafe class EpollPoller : Poller
{
    private const uint Interest = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;

    private readonly int _epoll;
    private readonly int _eventfd;
    private readonly EpollEventLayout _layout;
    private byte[] _events = [];
    private int _disposed;

    private EpollPoller(int epoll, int eventfd, EpollEventLayout layout)
    {
        _epoll = epoll;
        _eventfd = eventfd;
        _layout = layout;
    }

    // No registration has it: the table's generations begin at 1.
    private static Token WakeToken => default;

    public override string AddSyscall => "epoll_ctl";

    internal static int Create(out Poller? poller)
    {
        poller = null;
        var epoll = Libc.epoll_create1(EPOLL_CLOEXEC);
        if (epoll < 0) return -Libc.errno;

        var eventfd = Libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (eventfd < 0)
        {
            var error = -Libc.errno;
            _ = Libc.close(epoll);
            return error;
        }

        var created = new EpollPoller(epoll, eventfd, EpollEventLayout.For(RuntimeInformation.ProcessArchitecture));

        // Edge triggered, the eventfd never needs to be read: each write is an edge, and its counter would take
        // longer than the universe is old to fill.
        var added = created.Control(EPOLL_CTL_ADD, eventfd, EPOLLIN | EPOLLET, WakeToken);
        if (added < 0)
        {
            created.Dispose();
            return added;
        }

        poller = created;
        return 0;
    }

    public override int Add(int descriptor, Token token) => Control(EPOLL_CTL_ADD, descriptor, Interest, token);

    public override int Remove(int descriptor) => Control(EPOLL_CTL_DEL, descriptor, 0, default);

    public override int Wait(Span<PollEvent> events, int timeoutMs)
    {
        var room = events.Length * _layout.Size;
        if (_events.Length < room) _events = GC.AllocateUninitializedArray<byte>(room, pinned: true);

        var native = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_events));
        var count = Libc.epoll_wait(_epoll, native, events.Length, timeoutMs);
        if (count < 0) return -Libc.errno;

        var kept = 0;
        for (var i = 0; i < count; i++, native += _layout.Size)
        {
            var token = Token.FromUInt64(Unsafe.ReadUnaligned<ulong>(native + _layout.DataOffset));
            if (token == WakeToken) continue;
            events[kept++] = new PollEvent(token, Translate(Unsafe.ReadUnaligned<uint>(native)));
        }

        return kept;
    }

    public override int Wake()
    {
        var one = 1UL;
        return Libc.write(_eventfd, &one, sizeof(ulong)) < 0 ? -Libc.errno : 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _ = Libc.close(_eventfd);
        _ = Libc.close(_epoll);
    }

    private static Readiness Translate(uint events)
    {
        var readiness = Readiness.None;
        if ((events & EPOLLIN) != 0) readiness |= Readiness.Readable;
        if ((events & EPOLLOUT) != 0) readiness |= Readiness.Writable;
        if ((events & ~(EPOLLIN | EPOLLOUT)) == 0) return readiness;

        if ((events & EPOLLRDHUP) != 0) readiness |= Readiness.ReadClosed;
        if ((events & EPOLLHUP) != 0) readiness |= Readiness.HangUp;
        if ((events & EPOLLERR) != 0) readiness |= Readiness.Error;
        if ((events & EPOLLPRI) != 0) readiness |= Readiness.Urgent;
        return readiness;
    }

    private int Control(int operation, int descriptor, uint interest, Token token)
    {
        Debug.Assert(_disposed == 0, "A poller is used after its end.");
        var ev = stackalloc byte[_layout.Size];
        Unsafe.WriteUnaligned(ev, interest);
        Unsafe.WriteUnaligned(ev + _layout.DataOffset, token.ToUInt64());
        return Libc.epoll_ctl(_epoll, operation, descriptor, ev) < 0 ? -Libc.errno : 0;
    }
}
