namespace Reactor;

/// <summary>
/// A one-shot timer of an event loop, made by <see cref="EventLoop.StartTimer"/>. It never fires early, and at most once
/// for each start. May be used from any thread; the callback runs on the loop.
/// </summary>
public sealed class LoopTimer : IDisposable
{
    private readonly EventLoop _loop;
    private readonly Action<object?> _callback;
    private readonly object? _state;

    internal LoopTimer(EventLoop loop, Action<object?> callback, object? state)
    {
        _loop = loop;
        _callback = callback;
        _state = state;
    }

    /// <summary>Whether it is started and has not yet fired or been cancelled. Exact on the loop, a guess elsewhere.</summary>
    public bool IsPending => Slot is not null;

    // The millisecond of the kernel's clock in which it is due. Meaningful exactly while Slot is set.
    internal long DeadlineMs { get; set; }

    // The list of the wheel that it hangs in; null exactly while it is not pending.
    internal TimerSlot? Slot { get; set; }

    internal LoopTimer? Previous { get; set; }

    internal LoopTimer? Next { get; set; }

    /// <summary>Starts it anew, from now; what was pending before is forgotten.</summary>
    /// <param name="dueTime">How long to wait: zero or more. Counted in milliseconds, rounded up; beyond a hundred years it is as good as never.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="dueTime"/> is negative.</exception>
    public void Restart(TimeSpan dueTime)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, TimeSpan.Zero);
        var deadlineMs = _loop.DeadlineMs(dueTime);
        if (_loop.IsOnLoop) _loop.Timers.Start(this, deadlineMs);
        else if (!_loop.HasEnded) _loop.Enqueue(static state => ((Restarted)state!).Apply(), new Restarted(this, deadlineMs));
    }

    /// <summary>Forgets it, pending or not. On the loop this is exact; from another thread the callback may just be running.</summary>
    public void Cancel()
    {
        if (_loop.IsOnLoop) _loop.Timers.Cancel(this);
        else if (!_loop.HasEnded) _loop.Enqueue(static state => ((LoopTimer)state!).Cancel(), this);
    }

    /// <summary>The same as <see cref="Cancel"/>.</summary>
    public void Dispose() => Cancel();

    internal void Fire() => _callback(_state);

    private sealed record Restarted(LoopTimer Timer, long DeadlineMs)
    {
        internal void Apply() => Timer._loop.Timers.Start(Timer, DeadlineMs);
    }
}
