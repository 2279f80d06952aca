namespace Reactor;

/// <content>The times after which a connection is given up by itself: nothing moves, nothing ever came, nothing is taken.</content>
/// <remarks>
/// Restarting a timer for every byte would cost more than the byte: activity leaves its time or a mark, and the timer looks at
/// that when it is due.
/// </remarks>
public sealed partial class Connection
{
    // Null as long as there is none of them.
    private Timeouts? _timeouts;

    private bool _hasReceived;

    /// <summary>Something that was flushed begins to wait for the peer.</summary>
    internal void WatchUnsent()
    {
        if (Options.WriteTimeout == Timeout.InfiniteTimeSpan) return;
        _timeouts ??= new Timeouts();
        _timeouts.LastTakenMs = Loop.NowMs;
        _timeouts.Write ??= new LoopTimer(Loop, static connection => ((Connection)connection!).OnWriteTimer(), this);
        if (!_timeouts.Write.IsPending) _timeouts.Write.Restart(Options.WriteTimeout);
    }

    private void WatchFromTheStart()
    {
        if (Options.IdleTimeout != Timeout.InfiniteTimeSpan)
        {
            _timeouts ??= new Timeouts();
            _timeouts.LastActiveMs = Loop.NowMs;
            _timeouts.Idle = new LoopTimer(Loop, static connection => ((Connection)connection!).OnIdleTimer(), this);
            _timeouts.Idle.Restart(Options.IdleTimeout);
        }

        if (Options is ListenOptions { FirstByteTimeout: var timeout } && timeout != Timeout.InfiniteTimeSpan)
        {
            _timeouts ??= new Timeouts();
            _timeouts.FirstByte = new LoopTimer(Loop, static connection => ((Connection)connection!).OnFirstByteTimer(), this);
            _timeouts.FirstByte.Restart(timeout);
        }
    }

    private void CancelTimeouts()
    {
        _timeouts?.Idle?.Cancel();
        _timeouts?.FirstByte?.Cancel();
        _timeouts?.Write?.Cancel();
    }

    private void OnIdleTimer()
    {
        var left = Left(Options.IdleTimeout, _timeouts!.LastActiveMs);
        if (left > TimeSpan.Zero) _timeouts.Idle!.Restart(left);
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
        var left = Left(Options.WriteTimeout, _timeouts!.LastTakenMs);
        if (left > TimeSpan.Zero) _timeouts.Write!.Restart(left);
        else Reset(CloseReason.WriteTimeout);
    }

    private TimeSpan Left(TimeSpan timeout, long sinceMs) => timeout - TimeSpan.FromMilliseconds(Loop.NowMs - sinceMs);

    /// <summary>The timers, each made when it is needed, and what they look at.</summary>
    private sealed class Timeouts
    {
        internal LoopTimer? Idle { get; set; }

        internal LoopTimer? FirstByte { get; set; }

        internal LoopTimer? Write { get; set; }

        /// <summary>When something was last received or sent.</summary>
        internal long LastActiveMs { get; set; }

        /// <summary>When the system last took something of what waited to be sent, or it began to wait. Meaningful while something waits.</summary>
        internal long LastTakenMs { get; set; }
    }
}
