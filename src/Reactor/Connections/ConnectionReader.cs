using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Reactor;

/// <summary>
/// A connection's input: a read is a recv(2) into a rented buffer, and the buffer goes back as soon as all of it is
/// consumed. It keeps the contract of <see cref="PipeReader"/> as <see cref="Pipe"/> does.
/// </summary>
internal sealed partial class ConnectionReader : PipeReader, IValueTaskSource<ReadResult>
{
    // Less room than this at the end of a buffer is not worth a system call.
    private const int LeastRoom = 4096;

    private readonly Connection _connection;
    private readonly EventLoop _loop;
    private LoopCompletion _completion;

    // The operation under way, where another thread began it; null where the loop did, which uses the completion over and over.
    private LoopOperation<ReadResult>? _elsewhere;

    private volatile State _state;

    // Null until a read comes with a token.
    private PendingCancellation? _cancellation;

    private volatile bool _cancelRequested;
    private volatile bool _completed;
    private volatile bool _ended;

    // Set when the loop stops: the end comes when the kernel holds no more.
    private bool _endWhenDrained;

    internal ConnectionReader(Connection connection)
    {
        _connection = connection;
        _loop = connection.Loop;
    }

    private enum State
    {
        Idle,

        // A read was begun on another thread and is on its way to the loop.
        Starting,

        // A read waits for bytes.
        Pending,

        // A buffer is out with the reader, until AdvanceTo.
        HandedOut,

        // The same with nothing in it, or after a cancellation: AdvanceTo is allowed but not owed.
        HandedOutTentatively,
    }

    /// <summary>Whether the reader has an end: the peer's, or that of the stopping loop.</summary>
    internal bool HasEnded => _ended;

    /// <summary>Whether a read waits, or somebody works on what was read.</summary>
    internal bool IsInUse => _state is State.Starting or State.Pending or State.HandedOut;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        var isOnLoop = _loop.IsOnLoop;
        Claim(isOnLoop ? State.Pending : State.Starting);
        if (!isOnLoop) return ReadElsewhere(cancellationToken);
        if (!TryRead(out var result, out var error))
        {
            _completion.Reset();
            PendingCancellation.Expect(ref _cancellation, _connection, cancellationToken);
            Pend();
            return new ValueTask<ReadResult>(this, _completion.Version);
        }

        if (error is null)
        {
            HandOut(result);
            return new ValueTask<ReadResult>(result);
        }

        _state = State.Idle;
        return ValueTask.FromException<ReadResult>(error);
    }

    public override bool TryRead(out ReadResult result)
    {
        var isOnLoop = _loop.IsOnLoop;
        var before = Claim(isOnLoop ? State.Pending : State.Starting);
        Exception? error = null;
        if (!isOnLoop)
        {
            if (TryTakeElsewhere(out result)) return true;
            if (!_connection.IsOpen) error = _connection.EndedException("recv");
        }
        else if (TryRead(out result, out error) && error is null)
        {
            HandOut(result);
            return true;
        }

        _state = before;
        return error is null ? false : throw error;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_completed) throw new InvalidOperationException("Reading is not allowed after the reader was completed.");
        if (_loop.IsOnLoop)
        {
            Advance(consumed, examined);
            return;
        }

        // The loop may be giving the buffers back at this moment.
        lock (_connection.Gate) Advance(consumed, examined);
    }

    public override void CancelPendingRead()
    {
        _cancelRequested = true;
        _connection.RequestTurn();
    }

    public override void Complete(Exception? exception = null)
    {
        _completed = true;
        if (_loop.IsOnLoop || _loop.HasEnded) Release();
        else _loop.Enqueue(static reader => ((ConnectionReader)reader!).Release(), this);
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        _completion.GetResult(token);
        return _loop.IsOnLoop ? GetHandedOut() : GetHandedOutElsewhere();
    }

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _completion.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(_loop, continuation, state, token, flags);

    /// <summary>Completes the pending read if there is something for it: bytes, an end, a failure, a cancellation.</summary>
    internal void Resume()
    {
        if (_state != State.Pending) return;
        if (_cancellation is { Token.IsCancellationRequested: true } && !_cancelRequested)
        {
            Fail(new OperationCanceledException(_cancellation.Unregister()));
        }
        else if (TryRead(out var result, out var error))
        {
            _cancellation?.Unregister();
            if (error is null) Complete(result);
            else Fail(error);
        }
    }

    /// <summary>Asks for the handler that awaits the pending read: four lines have the little that most keep between two reads.</summary>
    internal void PrefetchAwaiter() => CacheLines.Prefetch(_completion.State, lines: 4);

    /// <summary>Lets the input end as soon as the kernel holds no more bytes.</summary>
    internal void EndWhenDrained()
    {
        _endWhenDrained = true;
        _connection.RequestTurn();
    }

    // Of two reads at once, from whichever threads, one goes on and the other is told.
    private State Claim(State next)
    {
        if (_completed) throw new InvalidOperationException("Reading is not allowed after the reader was completed.");
        var state = _state;
        if (state is State.Idle or State.HandedOutTentatively && Interlocked.CompareExchange(ref _state, next, state) == state) return state;
        throw new InvalidOperationException("Reading is already in progress: one read at a time, and AdvanceTo before the next.");
    }

    private ValueTask<ReadResult> ReadElsewhere(CancellationToken cancellationToken)
    {
        if (TryTakeElsewhere(out var result)) return new ValueTask<ReadResult>(result);

        var elsewhere = _elsewhere = new LoopOperation<ReadResult>(_loop);
        PendingCancellation.Expect(ref _cancellation, _connection, cancellationToken);
        _loop.Enqueue(static reader => ((ConnectionReader)reader!).Start(), this);
        return elsewhere.Task;
    }

    // Once the state says so another thread may begin the next.
    private void Complete(ReadResult result)
    {
        var elsewhere = _elsewhere;
        _elsewhere = null;
        HandOut(result);
        if (elsewhere is null) _completion.Complete();
        else elsewhere.SetResult(result);
    }

    private void Fail(Exception error)
    {
        var elsewhere = _elsewhere;
        _elsewhere = null;
        _state = State.Idle;
        if (elsewhere is null) _completion.SetException(error);
        else elsewhere.SetException(error);
    }

    private void Start()
    {
        Pend();
        Resume();
    }

    private void Pend()
    {
        _state = State.Pending;
        if (_head is not null) KeepSmall();
        _cancellation?.Register();
    }

    private void HandOut(in ReadResult result)
    {
        _isHandedOutCanceled = result.IsCanceled;
        _isHandedOutCompleted = result.IsCompleted;
        _state = result.IsCanceled || _buffered == 0 ? State.HandedOutTentatively : State.HandedOut;
    }

    // The loop may be giving the buffers back at this moment.
    private bool TryTakeElsewhere(out ReadResult result)
    {
        lock (_connection.Gate)
        {
            result = default;
            if (_released || !TryTakeBuffered(out result)) return false;
            HandOut(result);
            return true;
        }
    }

    private bool TryTakeBuffered(out ReadResult result)
    {
        if (!_cancelRequested && !_ended && _examined == _buffered)
        {
            result = default;
            return false;
        }

        var isCanceled = _cancelRequested;
        _cancelRequested = false;
        result = new ReadResult(Buffered(), isCanceled, _ended);
        return true;
    }

    private bool TryRead(out ReadResult result, out Exception? error)
    {
        error = null;
        if (_completed)
        {
            result = default;
            error = new InvalidOperationException("Reading is not allowed after the reader was completed.");
            return true;
        }

        if (_released)
        {
            result = default;
            error = _connection.EndedException("recv");
            return true;
        }

        if (TryTakeBuffered(out result)) return true;
        if (_connection.IsReadable)
        {
            if (!_connection.HasBudget)
            {
                _connection.RequestTurn();
                return false;
            }

            if (Receive()) return TryTakeBuffered(out result);
        }

        if (!_connection.IsOpen)
        {
            error = _connection.EndedException("recv");
            return true;
        }

        if (!_endWhenDrained || _connection.IsReadable) return false;
        _ended = true;
        return TryTakeBuffered(out result);
    }

    private bool Receive()
    {
        _connection.ResumeUrgent();
        if (!_connection.IsOpen) return false;
        var segment = _tail is { Room: >= LeastRoom } ? _tail : _loop.Segments.Rent();
        var room = segment.Room;
        int count;
        do count = _loop.Kernel.Receive(_connection.Descriptor, segment.Free);
        while (count == -(int)Errno.EINTR);

        if (count > 0)
        {
            if (segment != _tail) Append(segment);
            segment.Fill(count);
            _buffered += count;
            _connection.OnReceived(count, isShort: count < room);
            return true;
        }

        if (segment != _tail) _loop.Segments.Return(segment);
        if (count == 0) _ended = _connection.OnEndOfInput();
        else _connection.OnReceiveFailed((Errno)(-count));
        return _ended;
    }
}
