using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Reactor;

/// <summary>Something to run on the loop: posted from any thread, or when a timer is due.</summary>
/// <param name="Callback">What to run.</param>
/// <param name="State">Its argument.</param>
/// <param name="Context">The asker's execution context, or null when it is not to flow.</param>
internal readonly record struct PostedWork(SendOrPostCallback Callback, object? State, ExecutionContext? Context)
{
    /// <summary>Runs it; an exception of it is logged.</summary>
    internal void Run(ILogger log)
    {
        try
        {
            Run();
        }
        catch (Exception exception)
        {
            log.UnhandledException(exception, "posted work");
        }
    }

    /// <summary>Runs it. What it makes the thread's is so no more afterwards: the loop's thread serves everybody.</summary>
    internal void Run()
    {
        // ExecutionContext.Run does the same, but would have this boxed. There is nothing to restore by hand where flow is suppressed.
        var context = ExecutionContext.Capture();
        if (context is null && Context is not null)
        {
            ExecutionContext.Run(Context, static work => ((PostedWork)work!).Callback(((PostedWork)work).State), this);
            return;
        }

        var synchronizationContext = SynchronizationContext.Current;
        try
        {
            if (Context is not null) ExecutionContext.Restore(Context);
            Callback(State);
        }
        finally
        {
            if (context is not null) ExecutionContext.Restore(context);
            if (SynchronizationContext.Current != synchronizationContext) SynchronizationContext.SetSynchronizationContext(synchronizationContext);
        }
    }
}

/// <summary>
/// The way into the loop for other threads: what they post, and the wake-up. A wake-up costs a system call only when the
/// loop sleeps and nobody has woken it yet.
/// </summary>
/// <param name="poller">What the loop sleeps in.</param>
/// <param name="log">Where exceptions go of what runs after the loop's end.</param>
internal sealed class PostedQueue(Poller poller, ILogger log)
{
    // An EINTR or two are the only failures that a live eventfd knows.
    private const int WakeTries = 16;

    private readonly ConcurrentQueue<PostedWork> _queue = new();

    // 1 exactly while the loop sleeps, or is about to, and no one has woken it.
    private int _asleep;

    // How many threads are inside Wake: the poller's descriptor may not be closed, and so re-used, under their hands.
    private int _wakers;

    private volatile bool _closed;

    internal bool IsEmpty => _queue.IsEmpty;

    internal void Enqueue(PostedWork work)
    {
        if (_closed)
        {
            RunOnThreadPool(work);
            return;
        }

        _queue.Enqueue(work);

        // The enqueue must be seen before the look at _asleep, as PrepareToSleep sets _asleep before its look at the queue.
        Interlocked.MemoryBarrier();
        if (_closed) RunRestOnThreadPool();
        else if (Volatile.Read(ref _asleep) != 0) Wake();
    }

    internal bool TryDequeue(out PostedWork work) => _queue.TryDequeue(out work);

    /// <summary>Announces that the loop will sleep.</summary>
    /// <returns>False when something was posted meanwhile, and it must not.</returns>
    internal bool PrepareToSleep()
    {
        Interlocked.Exchange(ref _asleep, 1);
        return _queue.IsEmpty;
    }

    internal void WokenUp() => Volatile.Write(ref _asleep, 0);

    /// <summary>From here on nothing wakes the poller any more, and what is posted runs on the thread pool.</summary>
    internal void Close()
    {
        _closed = true;
        Interlocked.MemoryBarrier();
        SpinWait.SpinUntil(() => Volatile.Read(ref _wakers) == 0);
    }

    private void Wake()
    {
        Interlocked.Increment(ref _wakers);
        if (!_closed && Interlocked.Exchange(ref _asleep, 0) == 1 && !TryWake()) Volatile.Write(ref _asleep, 1);
        Interlocked.Decrement(ref _wakers);
    }

    // Nobody may ever post again, so a wake-up that failed is tried at once, and after that with the next post. EAGAIN is none:
    // the eventfd's counter is full, so the loop is woken already (eventfd(2)).
    private bool TryWake()
    {
        for (var i = 0; i < WakeTries; i++)
        {
            if (poller.Wake() is >= 0 or -(int)Errno.EAGAIN) return true;
        }

        return false;
    }

    // Closed while this thread was enqueueing: the loop may have looked for the last time before.
    private void RunRestOnThreadPool()
    {
        while (_queue.TryDequeue(out var work)) RunOnThreadPool(work);
    }

    // Whoever awaits must go on somewhere, also when its loop has ended.
    private void RunOnThreadPool(PostedWork work) =>
        ThreadPool.UnsafeQueueUserWorkItem(static posted => posted.work.Run(posted.log), (work, log), preferLocal: false);
}
