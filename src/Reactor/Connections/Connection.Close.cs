using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Reactor;

/// <content>How a connection ends: by us, by the peer, in order or broken off. The first reason wins.</content>
public sealed partial class Connection
{
    // What a closing connection still reads and throws away, for close(2) with bytes unread resets the connection
    // (RFC 1122, 4.2.2.13) and may so destroy what we sent last.
    private const int MostDiscarded = 16;

    // The system's word on how it broke; None while it has not said any.
    private Errno _failure;

    // The peer's FIN was met. The reader may also have been told of an end because the loop stops.
    private bool _hasPeerEnded;
    private bool _isSendShut;
    private bool _isClosedTold;

    // Set exactly while CloseAsync waits for the peer to take what was flushed.
    private TaskCompletionSource? _closing;
    private CloseReason _closingReason;
    private LoopTimer? _closeTimer;

    // Made when first asked for.
    private CancellationTokenSource? _closed;

    /// <summary>Why it ended; <see cref="CloseReason.None"/> while it has not.</summary>
    public CloseReason CloseReason { get; private set; }

    /// <summary>
    /// Cancelled, on the loop, when the connection has ended for whatever reason: closed by us, both sides shut down, reset,
    /// aborted. A peer that only shuts down its sending side does not end it. <see cref="CloseReason"/> says why.
    /// </summary>
    public CancellationToken Closed
    {
        get
        {
            lock (Gate)
            {
                if (_closed is null)
                {
                    _closed = new CancellationTokenSource();
                    if (_isClosedTold) _closed.Cancel();
                }

                return _closed.Token;
            }
        }
    }

    /// <summary>The listener that accepted it, which is told when the descriptor is gone; null for a dialled connection.</summary>
    internal Listener? Listener { get; init; }

    /// <summary>Whether it was dialled, and nobody waits for anything of it or is closing it.</summary>
    internal bool IsForgotten => Listener is null && _closing is null && !_reader.IsInUse && !_writer.IsPending;

    /// <summary>Ends the sending side after what was flushed: a FIN. Receiving goes on. The same as completing <see cref="Output"/>; a second one does nothing.</summary>
    public void ShutdownSend() => _writer.Complete();

    /// <summary>Ends the connection at once with a reset: what is unsent is dropped, and the peer sees <c>ECONNRESET</c>.</summary>
    public void Abort() => AbortFor(CloseReason.Aborted);

    /// <summary>
    /// Sends what was flushed and closes. What was written and not flushed is dropped, and so are bytes that were not read.
    /// Waits while the peer does not take what was flushed, at most <see cref="ConnectionOptions.CloseTimeout"/>; then resets.
    /// With <see cref="ConnectionOptions.Linger"/> it then waits for the peer to end its side, too.
    /// </summary>
    public ValueTask CloseAsync() => Loop.IsOnLoop ? CloseAsync(CloseReason.ClosedLocally) : CloseElsewhereAsync();

    /// <inheritdoc cref="CloseAsync()"/>
    public ValueTask DisposeAsync() => CloseAsync();

    internal void AbortFor(CloseReason reason)
    {
        if (Loop.IsOnLoop) Reset(reason);
        else if (!Loop.HasEnded) Loop.Enqueue(_ => Reset(reason), state: null);
    }

    internal ValueTask CloseAsync(CloseReason reason)
    {
        Release();
        _timeouts?.FirstByte?.Cancel();
        if (_closing is not null) return new ValueTask(_closing.Task);
        if (!IsOpen) return ValueTask.CompletedTask;
        _closingReason = reason;
        var isFlushed = !_writer.HasUnsent || IsBroken;
        if (isFlushed) CloseFlushed(reason);
        if (!IsOpen) return ValueTask.CompletedTask;

        _closing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!isFlushed && Options.CloseTimeout != Timeout.InfiniteTimeSpan) _closeTimer = Loop.StartTimer(Options.CloseTimeout, () => Reset(CloseReason.CloseTimeout));
        return new ValueTask(_closing.Task);
    }

    /// <summary>Nobody reads or writes any more: what they hold is given back.</summary>
    internal void Release()
    {
        _reader.Release();
        _writer.Release();
    }

    /// <summary>The writer has nothing left to send.</summary>
    internal void OnAllSent()
    {
        if (_closing is not null)
        {
            CloseFlushed(_closingReason);
        }
        else if (_writer.IsFinished)
        {
            ShutSend();
            if (_hasPeerEnded) End(CloseReason.ClosedByPeer);
        }
    }

    /// <summary>The peer's end of the stream was met.</summary>
    /// <returns>False when the stream did not end but broke, as an earlier event has told.</returns>
    internal bool OnEndOfInput()
    {
        OnDrained();
        if (_failure != Errno.None)
        {
            End(CloseReason);
            return false;
        }

        _hasPeerEnded = true;
        if (_isSendShut) End(CloseReason.ClosedLocally);
        return true;
    }

    /// <summary>The peer or the network has broken it. Bytes that came before are still the reader's; without any there is nothing left to wait for.</summary>
    internal void Break(string syscall, Errno errno)
    {
        NoteFailure(syscall, errno);
        if (_reader.IsReleased || PeekOne() <= 0)
        {
            End(CloseReason);
            return;
        }

        // What waits to be sent nobody will take.
        _writer.DropUnsent();
        _isReadable = true;
        _shortMeansDrained = false;
        RequestTurn();
    }

    /// <summary>Whether sending is pointless: the descriptor is closed, or the peer is known to have reset.</summary>
    internal bool IsBroken => !IsOpen || _failure != Errno.None;

    /// <summary>What a read (recv) or a write (send) meets after the end.</summary>
    internal ConnectionException EndedException(string syscall)
    {
        if (_failure == Errno.None)
        {
            // None yet while what was flushed is still on its way out.
            var reason = CloseReason == CloseReason.None ? CloseReason.ClosedLocally : CloseReason;
            return new ConnectionAbortedException(reason, RemoteEndPoint);
        }

        if (CloseReason == CloseReason.Reset) return new ConnectionResetException(syscall, _failure, RemoteEndPoint);
        return new ConnectionException(syscall, _failure, RemoteEndPoint);
    }

    /// <summary>Its number and both addresses.</summary>
    public override string ToString() => $"connection {Id}, {LocalEndPoint?.ToString() ?? "unnamed"} to {RemoteEndPoint?.ToString() ?? "unnamed"}";

    private async ValueTask CloseElsewhereAsync()
    {
        try
        {
            await Loop.InvokeAsync(() => CloseAsync(CloseReason.ClosedLocally).AsTask());
        }
        catch (ObjectDisposedException)
        {
            // The loop has ended, and closed it then.
            Release();
        }
    }

    // EPOLLERR, EPOLLHUP or EV_EOF with an error. With none pending both sides were shut down in order, and a read finds the end.
    private void OnBroken(Errno told)
    {
        var error = Loop.Kernel.SocketError(Descriptor);
        if (error != 0) told = (Errno)(-error);
        if (told != Errno.None) Break("SO_ERROR", told);
    }

    private int PeekOne()
    {
        Span<byte> one = stackalloc byte[1];
        int count;
        do count = Loop.Kernel.Peek(Descriptor, one);
        while (count == -(int)Errno.EINTR);
        return count;
    }

    private void NoteFailure(string syscall, Errno errno)
    {
        if (_failure != Errno.None) return;
        _failure = errno;
        Note(errno is Errno.ECONNRESET or Errno.EPIPE ? CloseReason.Reset : CloseReason.Failed);
        if (Loop.Log.IsEnabled(LogLevel.Debug)) Loop.Log.ConnectionBroken(Id, RemoteEndPoint, syscall, errno.Name);
    }

    private void Note(CloseReason reason)
    {
        if (CloseReason == CloseReason.None) CloseReason = reason;
    }

    private void ShutSend()
    {
        if (_isSendShut) return;
        _isSendShut = true;

        // ENOTCONN: the peer has reset it, which reading will tell.
        _ = Loop.Kernel.Shutdown(Descriptor, SocketShutdown.Send);
    }

    private void CloseFlushed(CloseReason reason)
    {
        if (reason == CloseReason.ClosedLocally && _hasPeerEnded) reason = CloseReason.ClosedByPeer;
        else if (reason == CloseReason.ClosedLocally && _reader.HasEnded) reason = CloseReason.LoopStopped;
        if (Options.Linger > TimeSpan.Zero && !_hasPeerEnded && !IsBroken)
        {
            Linger(reason);
            return;
        }

        if (!_hasPeerEnded && !_isDrained) DiscardUnread();
        End(reason);
    }

    private void DiscardUnread()
    {
        var scratch = Loop.Segments.Rent();
        for (var i = 0; i < MostDiscarded && Loop.Kernel.Receive(Descriptor, scratch.Free) == scratch.Room; i++)
        {
            // A full buffer means that there may be more.
        }

        Loop.Segments.Return(scratch);
    }

    private void Reset(CloseReason reason)
    {
        if (!IsOpen) return;

        // Linger of zero makes close(2) send a RST (socket(7)). A Unix-domain socket has no such thing.
        if (IsTcp) _ = Loop.Kernel.SetOption(Descriptor, SocketOption.Linger, 0);
        End(reason);
    }

    private void End(CloseReason reason)
    {
        Note(reason);
        if (!IsOpen) return;
        Loop.CountEnd(CloseReason);
        if (CloseReason.IsLimit) Loop.Log.ConnectionLimited(Id, RemoteEndPoint, CloseReason);
        var descriptor = Descriptor;
        Descriptor = -1;
        Loop.Close(descriptor, _token);
        Loop.Connections--;
        _writer.DropUnsent();
        _closeTimer?.Cancel();
        CancelTimeouts();
        _closing?.TrySetResult();
        Listener?.OnConnectionEnded(this);
        RequestTurn();
    }

    private void TellClosed()
    {
        if (CloseReason == CloseReason.None || _isClosedTold) return;
        CancellationTokenSource? closed;
        lock (Gate)
        {
            _isClosedTold = true;
            closed = _closed;
        }

        try
        {
            closed?.Cancel();
        }
        catch (AggregateException exception)
        {
            Loop.Log.UnhandledException(exception, "a callback of Closed");
        }
    }
}
