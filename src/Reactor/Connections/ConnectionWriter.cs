using System.Diagnostics;
using System.IO.Pipelines;

namespace Reactor;

/// <summary>
/// A connection's output: a flush is a send(2). <c>WriteAsync</c> sends from the caller's memory, and only what the system
/// refuses is copied. It keeps the contract of <see cref="PipeWriter"/> as <see cref="Pipe"/> does.
/// </summary>
internal sealed partial class ConnectionWriter : PipeWriter
{
    // A queue longer than this is sent over several turns, so that one connection's bulk does not hold up the others.
    private const int MostBytesPerTurn = 1024 * 1024;

    private readonly Connection _connection;
    private readonly EventLoop _loop;

    // Made when the system first refuses something or several buffers are flushed at once; most connections never need it.
    private SendQueue? _queue;

    // The flush that is starting or pending; null while there is none.
    private LoopOperation<FlushResult>? _pending;

    // What flushes that the loop began pend with, one after the other. Null until one does.
    private LoopOperation<FlushResult>? _onLoop;

    // Null until a flush that may have to wait comes with a token.
    private PendingCancellation? _cancellation;

    private volatile State _state;

    // The pending flush waits for the low watermark; otherwise only for its next turn.
    private bool _isAboveHigh;

    private volatile bool _cancelRequested;
    private volatile bool _completed;
    private volatile bool _released;

    internal ConnectionWriter(Connection connection)
    {
        _connection = connection;
        _loop = connection.Loop;
    }

    private enum State
    {
        Idle,

        // A flush was begun on another thread and is on its way to the loop.
        Starting,

        // A flush waits.
        Pending,
    }

    /// <summary>Whether something that was flushed has still to be taken by the system.</summary>
    internal bool HasUnsent => Unsent > 0;

    /// <summary>Whether a flush waits, or is being made.</summary>
    internal bool IsPending => _state != State.Idle;

    private long Unsent => _queue?.Length ?? 0;

    private int LowWatermark => Math.Min(_connection.Options.SendLowWatermark, _connection.Options.SendHighWatermark);

    /// <summary>Whether all that will ever be written is in the queue. On the loop: completing is a call from anywhere, this its end.</summary>
    internal bool IsFinished { get; private set; }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => WriteAsync(default, cancellationToken);

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        ThrowIfNotWritable();
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        var isOnLoop = _loop.IsOnLoop;
        Claim(isOnLoop ? State.Pending : State.Starting);
        if (!isOnLoop) return WriteElsewhere(source, cancellationToken);
        if (TryFlush(source, out var result, out var error))
        {
            _state = State.Idle;
            return error is null ? new ValueTask<FlushResult>(result) : ValueTask.FromException<FlushResult>(error);
        }

        _pending = _onLoop ??= new LoopOperation<FlushResult>(_loop, isReused: true);
        _pending.Reset();
        PendingCancellation.Expect(ref _cancellation, _connection, cancellationToken);
        Pend();
        return _pending.Task;
    }

    public override void CancelPendingFlush()
    {
        _cancelRequested = true;
        _connection.RequestTurn();
    }

    /// <summary>Without an exception: sends what was written, then FIN. With one: resets, so that the peer does not take it for a good end.</summary>
    public override void Complete(Exception? exception = null)
    {
        if (_completed) return;
        _completed = true;
        if (exception is not null) _connection.Abort();
        else if (_loop.HasEnded) Release();
        else if (_loop.IsOnLoop) Finish();
        else _loop.Enqueue(static writer => ((ConnectionWriter)writer!).Finish(), this);
    }

    /// <summary>The socket has room again.</summary>
    internal void OnWritable()
    {
        if (HasUnsent) Resume();
    }

    /// <summary>Sends what a former turn left, and completes the pending flush if it need not wait any more.</summary>
    internal void Resume()
    {
        if (HasUnsent && _connection.IsWritable) Drain();
        if (_state != State.Pending) return;
        if (_connection.IsBroken)
        {
            _cancellation?.Unregister();
            Fail(_connection.EndedException("send"));
        }
        else if (_cancelRequested || _cancellation is { Token.IsCancellationRequested: true })
        {
            Cancel();
        }
        else if (_isAboveHigh ? Unsent <= LowWatermark : _connection.HasBudget)
        {
            Keep();
            _cancellation?.Unregister();
            Complete(default);
        }
        else if (!_isAboveHigh)
        {
            // The budget of this turn was spent before; the next one has another.
            _connection.RequestTurn();
        }
    }

    /// <summary>Sends a byte as urgent, behind what was flushed; beside whoever writes, and without waiting. On the loop.</summary>
    internal void SendUrgent(byte value)
    {
        if (_released || _connection.IsBroken) throw _connection.EndedException("send");
        if (_completed) throw new InvalidOperationException("Writing is not allowed after the writer was completed.");
        var wasEmpty = !HasUnsent;
        _queue ??= new SendQueue(_loop.Segments);
        CheckLimit(more: 1);
        if (!_isOverLimit) _queue.AppendUrgent(value);
        OnQueued(wasEmpty);
        if (_connection.IsBroken) throw _connection.EndedException("send");
    }

    /// <summary>Drops what was not flushed; nothing more can be written.</summary>
    internal void Release()
    {
        Debug.Assert(_loop.IsOnLoop || _loop.HasEnded, "Buffers are given back on the loop, as long as there is one.");
        lock (_connection.Gate)
        {
            _released = true;
            _completed = true;
            DropUnflushed(mayBeInUse: true);
        }
    }

    /// <summary>The connection has ended: what was not sent never will be.</summary>
    internal void DropUnsent() => _queue?.Clear();

    private void ThrowIfNotWritable()
    {
        if (_released) throw _connection.EndedException("send");
        if (_isOverLimit) throw new ConnectionAbortedException(CloseReason.SendLimit, _connection.RemoteEndPoint);
        if (_completed) throw new InvalidOperationException("Writing is not allowed after the writer was completed.");

        // On its way to the loop it takes along what is written, and so must not be overtaken.
        if (_state == State.Starting) throw FlushInProgress();
    }

    // Of two flushes at once, from whichever threads, one goes on and the other is told.
    private void Claim(State next)
    {
        if (Interlocked.CompareExchange(ref _state, next, State.Idle) != State.Idle) throw FlushInProgress();
    }

    private static InvalidOperationException FlushInProgress() => new("A flush is in progress: one at a time, and await it before writing more.");

    private ValueTask<FlushResult> WriteElsewhere(ReadOnlyMemory<byte> source, CancellationToken cancellationToken)
    {
        var pending = _pending = new LoopOperation<FlushResult>(_loop);
        PendingCancellation.Expect(ref _cancellation, _connection, cancellationToken);
        if (source.IsEmpty) _loop.Enqueue(static writer => ((ConnectionWriter)writer!).Start(default), this);
        else EnqueueStart(source);
        return pending.Task;
    }

    private void EnqueueStart(ReadOnlyMemory<byte> source) => _loop.Enqueue(_ => Start(source), state: null);

    private void Complete(FlushResult result) => Finished().SetResult(result);

    private void Fail(Exception error) => Finished().SetException(error);

    // From here on another thread may begin the next.
    private LoopOperation<FlushResult> Finished()
    {
        var finished = _pending!;
        _pending = null;
        _state = State.Idle;
        return finished;
    }

    private void Start(ReadOnlyMemory<byte> memory)
    {
        if (!TryFlush(memory, out var result, out var error))
        {
            Pend();
            return;
        }

        if (error is null) Complete(result);
        else Fail(error);
    }

    private void Pend()
    {
        _state = State.Pending;
        _cancellation?.Register();
    }

    // Only the waiting is cancelled: what was written goes out all the same.
    private void Cancel()
    {
        Keep();
        var isCanceled = _cancelRequested;
        _cancelRequested = false;
        var token = _cancellation?.Unregister() ?? default;
        if (isCanceled) Complete(new FlushResult(isCanceled: true, isCompleted: false));
        else Fail(new OperationCanceledException(token));
    }

    // False when the flush has to wait.
    private bool TryFlush(ReadOnlyMemory<byte> memory, out FlushResult result, out Exception? error)
    {
        result = default;
        error = null;
        if (!HasUnsent && _connection.IsWritable) memory = SendStraight(memory);
        if (!_connection.IsBroken && (_head is not null || !memory.IsEmpty)) Queue(memory);
        if (_connection.IsBroken)
        {
            DropUnflushed(mayBeInUse: false);
            error = _connection.EndedException("send");
            return true;
        }

        if (_cancelRequested)
        {
            _cancelRequested = false;
            Keep();
            result = new FlushResult(isCanceled: true, isCompleted: false);
            return true;
        }

        if (_queue is not null)
        {
            _isAboveHigh = Unsent >= _connection.Options.SendHighWatermark;
            if (_isAboveHigh) return false;
            Keep();
        }

        if (_connection.HasBudget) return true;
        _connection.RequestTurn();
        return false;
    }

    // The common case: nothing is queued, and there is one buffer to send. One send, from where it lies.
    private ReadOnlyMemory<byte> SendStraight(ReadOnlyMemory<byte> memory)
    {
        if (_head is null) return memory.IsEmpty ? memory : memory[SendOnce(memory.Span)..];
        if (_head != _tail || !memory.IsEmpty) return memory;

        if (_unflushed > 0)
        {
            var sent = SendOnce(_head.Unsent);
            _head.Start += sent;
            _unflushed -= sent;
        }

        if (_unflushed == 0) DropUnflushed(mayBeInUse: false);
        return memory;
    }

    private int SendOnce(ReadOnlySpan<byte> data)
    {
        var count = _loop.Kernel.Send(_connection.Descriptor, data);
        if (count >= 0)
        {
            _connection.OnSent(count);
            return count;
        }

        _connection.OnSendFailed((Errno)(-count));
        return 0;
    }

    private void Queue(ReadOnlyMemory<byte> memory)
    {
        var wasEmpty = !HasUnsent;
        _queue ??= new SendQueue(_loop.Segments);
        if (_head is not null) _queue.Append(_head, _tail!, _unflushed);
        _head = null;
        _tail = null;
        _unflushed = 0;
        _queue.Borrow(memory);
        OnQueued(wasEmpty);
    }

    private void OnQueued(bool wasEmpty)
    {
        if (HasUnsent && _connection.IsWritable) Drain();
        if (wasEmpty && HasUnsent) _connection.WatchUnsent();
    }

    private void Drain()
    {
        Debug.Assert(_queue is not null, "There is nothing to send.");
        for (var sent = 0; sent < MostBytesPerTurn;)
        {
            var count = _queue.Send(_loop.Kernel, _connection.Descriptor);
            if (count < 0)
            {
                _connection.OnSendFailed((Errno)(-count));
                if (!_connection.IsWritable) return;
                continue;
            }

            _queue.Consume(count);
            _connection.OnSent(count);
            sent += count;
            if (HasUnsent) continue;
            _connection.OnAllSent();
            return;
        }

        _connection.RequestTurn();
    }

    private void Finish()
    {
        if (_connection.IsBroken)
        {
            Release();
            return;
        }

        IsFinished = true;
        if (_head is not null) Queue(default);
        else if (HasUnsent && _connection.IsWritable) Drain();
        if (_connection.IsOpen && !HasUnsent) _connection.OnAllSent();
    }
}
