using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.ObjectPool;

namespace Reactor;

/// <summary>
/// One thread and one poller: it dials, it accepts, and it runs the handlers of all its connections. Every public member
/// may be called from any thread. See epoll(7), kqueue(2).
/// </summary>
/// <remarks>The main loop is <see cref="Run"/>. Code that runs on the loop must not block: every other connection waits.</remarks>
public sealed partial class EventLoop : IAsyncDisposable
{
    // 1,024 short pieces of work delay a ready socket by well under a millisecond; the rest waits for the next turn.
    private const int PostedPerTurn = 1024;
    private const int TimersPerTurn = 1024;

    // What a storm of connects leaves behind for the next one.
    private const int PendingConnectsKept = 1024;

    // Fewer than these stay in the processor's second cache by themselves.
    private const int PrefetchFrom = 256;

    // A power of two.
    private const int Gates = 64;

    private const long NanosecondsPerMs = 1_000_000;

    private readonly Poller _poller;
    private readonly PollEvent[] _events;
    private readonly PostedQueue _posted;
    private readonly long _startTimestamp;
    private readonly Thread _thread;
    private readonly int _threadId;

    // Threads that work on one connection seldom meet those of another: few locks do for all.
    private readonly object[] _gates = [.. Enumerable.Range(0, Gates).Select(static _ => new object())];

    // Who asked for a turn: their budget is used up, or something is to be told outside the call that caused it.
    private readonly Queue<IRegistrant> _ready = new();

    private EventLoop(EventLoopOptions options, Kernel kernel, Poller poller)
    {
        Options = options;
        Kernel = kernel;
        Log = options.LoggerFactory is { } factory ? new GuardedLogger(factory.CreateLogger("Reactor")) : NullLogger.Instance;
        _poller = poller;
        _events = new PollEvent[options.EventsPerTurn];
        _posted = new PostedQueue(poller, Log);
        _startTimestamp = kernel.Timestamp;
        SynchronizationContext = new LoopSynchronizationContext(this);
        Segments = new SegmentPool(this);
        PendingConnects = new DefaultObjectPool<PendingConnect>(new PendingConnect.Policy(this), PendingConnectsKept);
        Connector = new Connector(this, options.Connect);
        _thread = new Thread(RunThread) { Name = options.Name, IsBackground = true };
        _threadId = _thread.ManagedThreadId;
    }

    /// <summary>Whether the calling thread is the loop's.</summary>
    public bool IsOnLoop => Environment.CurrentManagedThreadId == _threadId;

    /// <summary>The kernel that the loop runs on.</summary>
    public Kernel Kernel { get; }

    /// <summary>The connector behind <see cref="ConnectAsync(EndPoint, CancellationToken)"/>, with the options of <see cref="EventLoopOptions.Connect"/>.</summary>
    public Connector Connector { get; }

    /// <summary>Posts to the loop. It is the current one on the loop's thread, so an await there comes back to the loop.</summary>
    public SynchronizationContext SynchronizationContext { get; }

    internal EventLoopOptions Options { get; }

    internal ILogger Log { get; }

    internal RegistrationTable Registrations { get; } = new();

    internal TimerWheel Timers { get; } = new();

    internal SegmentPool Segments { get; }

    internal ObjectPool<PendingConnect> PendingConnects { get; }

    internal long Turn { get; private set; }

    /// <summary>Starts a loop on a thread of its own.</summary>
    /// <param name="options">How it is to run; null for the defaults.</param>
    /// <exception cref="PlatformNotSupportedException">Reactor does not run on this system.</exception>
    /// <exception cref="KernelException">The system refused the poller, as a rule because descriptors have run out.</exception>
    public static EventLoop Start(EventLoopOptions? options = null)
    {
        options ??= new EventLoopOptions();
        var kernel = options.Kernel ?? Kernel.System;
        var error = kernel.CreatePoller(out var poller);
        if (poller is null) throw new KernelException(kernel.PollerSyscall, (Errno)(-error), endPoint: null);

        var loop = new EventLoop(options, kernel, poller);

        // Not what the caller's AsyncLocals happen to hold: that would follow every handler for the life of the loop.
        loop._thread.UnsafeStart();
        return loop;
    }

    /// <summary>The main loop: one round is one turn.</summary>
    private void Run()
    {
        while (!IsOver())
        {
            var count = Wait();
            Dispatch(count);
            RunPosted();
            RunTimers();
            RunReady();
        }
    }

    private int Wait()
    {
        var timeoutMs = PollTimeoutMs();
        var count = timeoutMs switch
        {
            0 => _poller.Wait(_events, 0),
            _ when Options.SpinTime == TimeSpan.Zero => WaitSleeping(timeoutMs),
            _ => WaitSpinning(timeoutMs),
        };
        Turn++;
        if (count >= 0) return count;
        if (count != -(int)Errno.EINTR) Log.WaitFailed(((Errno)(-count)).Name);
        return 0;
    }

    private int WaitSleeping(int timeoutMs)
    {
        if (!_posted.PrepareToSleep()) timeoutMs = 0;
        var count = _poller.Wait(_events, timeoutMs);
        _posted.WokenUp();
        return count;
    }

    private void Dispatch(int count)
    {
        var isCacheTooSmall = Registrations.Count >= PrefetchFrom;
        for (var i = 0; i < count; i++)
        {
            if (isCacheTooSmall) PrefetchBehind(i, count);

            // None when an earlier event of this batch closed the socket.
            if (Registrations.Find(_events[i].Token) is not { } registrant) continue;
            try
            {
                registrant.OnEvents(_events[i]);
            }
            catch (Exception exception)
            {
                Log.UnhandledException(exception, "an event");
            }
        }
    }

    // While the kernel works for one connection, what the next ones will need comes from memory: what is behind the token,
    // what that points to, and what that points to.
    private void PrefetchBehind(int current, int count)
    {
        if (current + 3 < count) CacheLines.Prefetch(Registrations.Find(_events[current + 3].Token), lines: 3);
        if (current + 2 < count) Registrations.Find(_events[current + 2].Token)?.Prefetch(eventsAhead: 2);
        if (current + 1 < count) Registrations.Find(_events[current + 1].Token)?.Prefetch(eventsAhead: 1);
    }

    private void RunPosted()
    {
        for (var i = 0; i < PostedPerTurn && _posted.TryDequeue(out var work); i++) work.Run(Log);
    }

    private void RunTimers()
    {
        if (Timers.Count == 0) return;
        var nowMs = NowMs;
        for (var i = 0; i < TimersPerTurn && Timers.TakeDue(nowMs) is { } timer; i++)
        {
            try
            {
                timer.Fire();
            }
            catch (Exception exception)
            {
                Log.UnhandledException(exception, "a timer");
            }
        }
    }

    private void RunReady()
    {
        // What asks for a turn during these waits for the next round, so that no one has two in one.
        for (var left = _ready.Count; left > 0; left--)
        {
            try
            {
                _ready.Dequeue().OnTurn();
            }
            catch (Exception exception)
            {
                Log.UnhandledException(exception, "a turn");
            }
        }
    }

    // Rounded up to the poller's milliseconds: a turn that came early would find nothing due and spin.
    private int PollTimeoutMs()
    {
        if (_ready.Count > 0 || !_posted.IsEmpty || _lastTurn != long.MaxValue) return 0;
        var nextMs = Timers.NextMs();
        if (nextMs == long.MaxValue) return -1;
        var waitNs = (nextMs * NanosecondsPerMs) - ElapsedNs;
        return (int)Math.Clamp((waitNs + NanosecondsPerMs - 1) / NanosecondsPerMs, 0, int.MaxValue);
    }

    internal long NowMs => ElapsedNs / NanosecondsPerMs;

    private long ElapsedNs => Kernel.Timestamp - _startTimestamp;

    /// <summary>The millisecond, on the wheel's clock, that lies <paramref name="dueTime"/> ahead: rounded up, so that nothing fires early.</summary>
    internal long DeadlineMs(TimeSpan dueTime)
    {
        if (dueTime.TotalDays > 365 * 100) return TimerWheel.MaxDeadlineMs;
        return (ElapsedNs + (dueTime.Ticks * TimeSpan.NanosecondsPerTick) + NanosecondsPerMs - 1) / NanosecondsPerMs;
    }

    /// <summary>What a connection's <see cref="Connection.Gate"/> is.</summary>
    internal object GateOf(long connectionId) => _gates[connectionId & (Gates - 1)];

    /// <summary>Asks for a turn of <paramref name="registrant"/> after the sockets of this round. Once for each turn, on the loop.</summary>
    internal void EnqueueReady(IRegistrant registrant) => _ready.Enqueue(registrant);

    /// <summary>What the poller calls the refusal of <see cref="Register"/>.</summary>
    internal string RegisterSyscall => _poller.AddSyscall;

    /// <summary>Adds a socket to the table and to the poller.</summary>
    /// <returns>0 or a negative errno, after which nothing is registered.</returns>
    internal int Register(int descriptor, IRegistrant registrant, out Token token)
    {
        token = Registrations.Add(registrant);
        var answer = _poller.Add(descriptor, token);
        if (answer < 0) Registrations.Remove(token);
        return answer;
    }

    /// <summary>The counterpart of <see cref="Register"/>, and closes the descriptor: forgotten first, then closed.</summary>
    internal void Close(int descriptor, Token token)
    {
        Registrations.Remove(token);
        _ = _poller.Remove(descriptor);
        _ = Kernel.Close(descriptor);
    }
}
