using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;

namespace Reactor;

/// <summary>
/// The awaitable end of an operation of the loop, used again for one operation after the other: what stands behind the
/// <see cref="ValueTask{TResult}"/>s of a connection. Whoever awaits on the loop goes on at once when the operation
/// completes, without a post; whoever awaits elsewhere goes on there.
/// </summary>
/// <remarks>It completes on the loop only, and only from an event of the loop, never inside a call of the one who awaits.</remarks>
/// <typeparam name="TResult">What the operation gives.</typeparam>
internal struct LoopCompletion<TResult>
{
    private static readonly Action<object?> _completed = static _ => Debug.Fail("The mark of a completed operation is not a continuation.");

    private readonly EventLoop _loop;

    // Null until somebody awaits or the operation completes, whichever is first; the mark when completing came first.
    private Action<object?>? _continuation;
    private object? _state;
    private ExecutionContext? _executionContext;

    // Where to go on: a SynchronizationContext or a TaskScheduler, or null for "as _inline says".
    private object? _scheduler;

    // Without a scheduler: go on right on the loop, or on the thread pool.
    private bool _inline;

    private TResult _result;
    private ExceptionDispatchInfo? _error;
    private short _version;
    private bool _isCompleted;

    internal LoopCompletion(EventLoop loop)
    {
        _loop = loop;
        _result = default!;
    }

    /// <summary>What the present operation's <see cref="ValueTask"/> must carry.</summary>
    internal readonly short Version => _version;

    // Not by _isCompleted alone: until the continuation is settled too, Complete still works on this operation, and an
    // awaiter on another thread must not begin the next one.
    private readonly bool HasEnded => Volatile.Read(in _continuation) is not null && Volatile.Read(in _isCompleted);

    /// <summary>Begins the next operation.</summary>
    internal void Reset()
    {
        _version++;
        _isCompleted = false;
        _continuation = null;
        _state = null;
        _executionContext = null;
        _scheduler = null;
        _result = default!;
        _error = null;
    }

    internal void SetResult(TResult result)
    {
        _result = result;
        Complete();
    }

    internal void SetException(Exception error)
    {
        _error = ExceptionDispatchInfo.Capture(error);
        Complete();
    }

    internal readonly ValueTaskSourceStatus GetStatus(short token)
    {
        Validate(token);
        if (!HasEnded) return ValueTaskSourceStatus.Pending;
        if (_error is null) return ValueTaskSourceStatus.Succeeded;
        return _error.SourceException is OperationCanceledException ? ValueTaskSourceStatus.Canceled : ValueTaskSourceStatus.Faulted;
    }

    internal readonly TResult GetResult(short token)
    {
        Validate(token);
        if (!HasEnded) throw new InvalidOperationException("The operation has not completed: await it before asking for its result.");
        _error?.Throw();
        return _result;
    }

    internal void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        Validate(token);
        if ((flags & ValueTaskSourceOnCompletedFlags.FlowExecutionContext) != 0) _executionContext = ExecutionContext.Capture();
        _inline = _loop.IsOnLoop;
        if ((flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext) != 0) CaptureScheduler();
        _state = state;

        var former = Interlocked.CompareExchange(ref _continuation, continuation, null);
        if (former is null) return;
        if (!ReferenceEquals(former, _completed)) throw new InvalidOperationException("The operation is awaited already; it can be awaited once.");

        // It completed between the caller's look and now. Going on inside this call could nest without end.
        Schedule(continuation, state, _executionContext, _scheduler ?? (_inline ? _loop.SynchronizationContext : null));
    }

    private void CaptureScheduler()
    {
        var context = SynchronizationContext.Current;
        if (context is not null && context.GetType() != typeof(SynchronizationContext))
        {
            if (!ReferenceEquals(context, _loop.SynchronizationContext)) _scheduler = context;
            else _inline = true;
        }
        else if (TaskScheduler.Current != TaskScheduler.Default)
        {
            _scheduler = TaskScheduler.Current;
        }
    }

    private void Complete()
    {
        Debug.Assert(!_isCompleted, "An operation completes once.");
        Volatile.Write(ref _isCompleted, true);
        var continuation = Volatile.Read(ref _continuation) ?? Interlocked.CompareExchange(ref _continuation, _completed, null);
        if (continuation is null) return;

        // Read before going on: the continuation may begin the next operation.
        var state = _state;
        var executionContext = _executionContext;
        if (_scheduler is not null || !_inline) Schedule(continuation, state, executionContext, _scheduler);
        else if (executionContext is null) continuation(state);
        else ExecutionContext.Run(executionContext, new ContextCallback(continuation), state);
    }

    private static void Schedule(Action<object?> continuation, object? state, ExecutionContext? executionContext, object? scheduler)
    {
        if (executionContext is not null)
        {
            var (inner, innerState) = (continuation, state);
            continuation = _ => ExecutionContext.Run(executionContext, new ContextCallback(inner), innerState);
        }

        switch (scheduler)
        {
            case SynchronizationContext context:
                context.Post(new SendOrPostCallback(continuation), state);
                break;
            case TaskScheduler tasks:
                _ = Task.Factory.StartNew(continuation, state, CancellationToken.None, TaskCreationOptions.DenyChildAttach, tasks);
                break;
            default:
                ThreadPool.UnsafeQueueUserWorkItem(continuation, state, preferLocal: false);
                break;
        }
    }

    private readonly void Validate(short token)
    {
        if (token != _version) throw new InvalidOperationException("The operation has been awaited already: a ValueTask can be awaited once.");
    }
}
