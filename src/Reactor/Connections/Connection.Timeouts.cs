namespace Reactor;

/// <content>The times after which a connection is given up by itself: nothing moves, nothing ever came, nothing is taken.</content>
/// <remarks>
/// Restarting a timer for every byte would cost more than the byte: activity leaves its time or a mark, and the timer looks at
/// that when it is due.
/// </remarks>
public sealed partial class Connection
{
    private LoopTimer? _idleTimer;
    private LoopTimer? _firstByteTimer;
    private LoopTimer? _writeTimer;

    // When something was last received or sent. Kept only where there is an idle timer.
    private long _lastActiveMs;

    // When the system last took something of what waited to be sent, or it began to wait. Meaningful while something waits.
    private long _lastTakenMs;

    private bool _hasReceived;

    /// <summary>Something that was flushed begins to wait for the peer.</summary>
    internal void WatchUnsent()
    {
        if (Options.WriteTimeout == Timeout.InfiniteTimeSpan) return;
        _lastTakenMs = Loop.NowMs;
        _writeTimer ??= new LoopTimer(Loop, static connection => ((Connection)connection!).OnWriteTimer(), this);
        if (!_writeTimer.IsPending) _writeTimer.Restart(Options.WriteTimeout);
    }

    private void WatchFromTheStart()
    {
        if (Options.IdleTimeout != Timeout.InfiniteTimeSpan)
        {
            _lastActiveMs = Loop.NowMs;
            _idleTimer = new LoopTimer(Loop, static connection => ((Connection)connection!).OnIdleTimer(), this);
            _idleTimer.Restart(Options.IdleTimeout);
        }

        if (Options is ListenOptions { FirstByteTimeout: var timeout } && timeout != Timeout.InfiniteTimeSpan)
        {
            _firstByteTimer = new LoopTimer(Loop, static connection => ((Connection)connection!).OnFirstByteTimer(), this);
            _firstByteTimer.Restart(timeout);
        }
    }

    private void CancelTimeouts()
    {
        _idleTimer?.Cancel();
        _firstByteTimer?.Cancel();
        _writeTimer?.Cancel();
    }

    private void OnIdleTimer()
    {
        var left = Left(Options.IdleTimeout, _lastActiveMs);
        if (left > TimeSpan.Zero) _idleTimer!.Restart(left);
        else Reset(CloseReason.IdleTimeout);
    }

    // Bytes that came and that its handler has not asked for yet count, and so does an end.
    private void OnFirstByteTimer()
    {
        if (!_hasReceived && PeekOne() < 0) Reset(CloseReason.FirstByteTimeout);
    }

    private void OnWriteTimer()
    {
        if (!_writer.HasUnsent) return;
        var left = Left(Options.WriteTimeout, _lastTakenMs);
        if (left > TimeSpan.Zero) _writeTimer!.Restart(left);
        else Reset(CloseReason.WriteTimeout);
    }

    private TimeSpan Left(TimeSpan timeout, long sinceMs) => timeout - TimeSpan.FromMilliseconds(Loop.NowMs - sinceMs);
}
