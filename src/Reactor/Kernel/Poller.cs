namespace Reactor;

/// <summary>
/// Tells which sockets are ready: epoll(7) on Linux, kqueue(2) on macOS. A socket is added once, for both directions and edge triggered, and
/// stays so until it is removed; no interest is ever switched on or off.
/// </summary>
/// <remarks>
/// <para>The contract: an event comes whenever a socket that was added becomes readable, writable, half-closed or broken,
/// and once after <see cref="Add"/> for what it already is. It may come too often, never too seldom. Whoever gets it
/// remembers it until a call answers <see cref="Errno.EAGAIN"/>.</para>
/// <para>All calls but <see cref="Wake"/> come from one thread. Answers are as those of <see cref="Kernel"/>.</para>
/// </remarks>
public abstract class Poller : IDisposable
{
    /// <summary>What the system's man page calls the adding of a descriptor, for errors: <c>epoll_ctl</c>, <c>kevent</c>.</summary>
    public abstract string AddSyscall { get; }

    /// <summary>Starts to watch a descriptor. A refusal is answered, or told as <see cref="Readiness.Unwatched"/> by a later wait.</summary>
    /// <param name="descriptor">A socket.</param>
    /// <param name="token">What its events are to carry.</param>
    public abstract int Add(int descriptor, Token token);

    /// <summary>
    /// Stops watching, before the descriptor is closed: a duplicate of it in another process would keep the kernel's
    /// registration alive (epoll(7), questions and answers).
    /// </summary>
    public abstract int Remove(int descriptor);

    /// <summary>Waits until something is ready, <see cref="Wake"/> is called or the time is over.</summary>
    /// <param name="events">Where the events go.</param>
    /// <param name="timeoutMs">Milliseconds; 0 does not wait, -1 waits for ever.</param>
    /// <returns>How many events there are, or a negative errno. A wake-up is none.</returns>
    public abstract int Wait(Span<PollEvent> events, int timeoutMs);

    /// <summary>Makes the present or the next <see cref="Wait"/> return. From any thread.</summary>
    public abstract int Wake();

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the poller's own descriptors.</summary>
    protected abstract void Dispose(bool disposing);
}

/// <summary>One socket's news.</summary>
/// <param name="Token">What the socket was added with.</param>
/// <param name="Readiness">What it is ready for.</param>
/// <param name="Errno">
/// The error behind <see cref="Readiness.Error"/> or <see cref="Readiness.Unwatched"/>, where the system tells it with the event, as
/// kqueue does in <c>fflags</c>; then <see cref="Kernel.SocketError"/> may not tell it again.
/// </param>
public readonly record struct PollEvent(Token Token, Readiness Readiness, Errno Errno = Errno.None);

/// <summary>What an event says of a socket; several at once as a rule.</summary>
[Flags]
public enum Readiness
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>There are bytes to receive, or a connection to accept (<c>EPOLLIN</c>, <c>EVFILT_READ</c>).</summary>
    Readable = 1,

    /// <summary>There is room to send, or a connect has ended (<c>EPOLLOUT</c>, <c>EVFILT_WRITE</c>).</summary>
    Writable = 2,

    /// <summary>The peer has shut down its sending side (<c>EPOLLRDHUP</c>, <c>EV_EOF</c>). Bytes may still wait before the end.</summary>
    ReadClosed = 4,

    /// <summary>Both directions are over (<c>EPOLLHUP</c>). Bytes may still wait. kqueue does not tell it apart from <see cref="ReadClosed"/>.</summary>
    HangUp = 8,

    /// <summary>An error is pending (<c>EPOLLERR</c>, <c>EV_EOF</c> with <c>fflags</c>): ask <see cref="Kernel.SocketError"/>, and <see cref="PollEvent.Errno"/> when that is 0.</summary>
    Error = 16,

    /// <summary>There is urgent data (<c>EPOLLPRI</c>, <c>EVFILT_EXCEPT</c> with <c>NOTE_OOB</c>).</summary>
    Urgent = 32,

    /// <summary>The system has refused to watch it (<c>EV_ERROR</c>), so that nothing more will be told. <see cref="PollEvent.Errno"/> says why.</summary>
    Unwatched = 64,
}
