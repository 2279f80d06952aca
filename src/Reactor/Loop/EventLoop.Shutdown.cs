namespace Reactor;

/// <content>How a loop ends: in order, and within a time.</content>
public sealed partial class EventLoop
{
    // Turns that the loop still takes, at most, after it has aborted what was left, so that those who waited hear of it: a
    // million pieces of posted work. What keeps posting for ever is left behind.
    private const int TurnsAfterAbort = 1000;

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private int _disposed;
    private bool _graceIsOver;
    private bool _isAborting;
    private volatile bool _hasEnded;

    // The turn after which nothing is waited for any more; set when the grace is over.
    private long _lastTurn = long.MaxValue;

    internal bool IsStopping => _stopping.IsCancellationRequested;

    internal bool HasEnded => _hasEnded;

    /// <summary>
    /// Cancelled, on the loop, when it begins to stop: for a handler that only writes, or waits for something else than its
    /// connection. One that reads sees the end of its input.
    /// </summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Handlers whose task has not ended.</summary>
    internal int Handlers { get; set; }

    /// <summary>
    /// Ends the loop: listeners are closed, connects under way are cancelled, every connection's input comes to its end so
    /// that its handler finishes, and after <see cref="EventLoopOptions.ShutdownTimeout"/> what is left is aborted. Dialled
    /// connections that nobody reads are closed once the handlers have finished. The task is done when the thread and all
    /// descriptors are gone; <see cref="Counters"/> then say how many connections were drained and how many aborted, and how many
    /// connects cancelled. May be called from the loop and more than once, but not awaited in a handler, which would wait for
    /// itself.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) Enqueue(static state => ((EventLoop)state!).Stop(), this);
        return new ValueTask(_ended.Task);
    }

    private void Stop()
    {
        try
        {
            _stopping.Cancel();
        }
        catch (AggregateException exception)
        {
            Log.UnhandledException(exception, "a callback of Stopping");
        }

        foreach (var registrant in Registrations.Snapshot()) registrant.OnStopping();
        StartTimer(Options.ShutdownTimeout, () => _graceIsOver = true);
    }

    // Asked once a turn. Whatever ends while the loop stops causes a turn, so nothing is missed by it.
    private bool IsOver()
    {
        if (!IsStopping) return false;
        if (_graceIsOver && _lastTurn == long.MaxValue) AbortRest();
        if (Turn >= _lastTurn) return true;

        // What is posted or has a turn coming may be somebody's outcome.
        if (!_posted.IsEmpty || _ready.Count > 0) return false;
        if (Registrations.Count == 0) return Handlers == 0 || _lastTurn != long.MaxValue;
        if (Handlers == 0) CloseForgotten();
        return false;
    }

    // Dialled connections that nobody waits on have no one to end them; what is flushed they still send.
    private void CloseForgotten()
    {
        foreach (var registrant in Registrations.Snapshot())
        {
            if (registrant is Connection { IsForgotten: true } connection) _ = connection.CloseAsync(CloseReason.LoopStopped).AsTask();
        }
    }

    private void AbortRest()
    {
        Log.ShutdownAborts(Registrations.Count, Handlers);
        _lastTurn = Turn + TurnsAfterAbort;
        _isAborting = true;
        foreach (var registrant in Registrations.Snapshot()) registrant.OnStopped();
    }

    private void RunThread()
    {
        SynchronizationContext.SetSynchronizationContext(SynchronizationContext);
        try
        {
            Run();
        }
        finally
        {
            _hasEnded = true;
            _posted.Close();
            while (!_posted.IsEmpty) RunPosted();
            Timers.Clear();
            _poller.Dispose();
            if (Drained + Aborted + ConnectsCanceled > 0) Log.LoopEnded(Drained, Aborted, ConnectsCanceled);
            _ended.SetResult();
        }
    }
}
