using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;

namespace Reactor;

/// <summary>
/// The awaitable end of an operation of the loop, used again for one operation after the other: what stands behind the
/// <see cref="ValueTask{TResult}"/>s of a connection, whose owner keeps the result. Whoever awaits on the loop goes on at once
/// when the operation completes, without a post; whoever awaits elsewhere goes on there.
/// </summary>
/// <remarks>It completes on the loop only, and only from an event of the loop, never inside a call of the one who awaits.</remarks>
internal struct LoopCompletion
{
    private static readonly Action<object?> _completed = static _ => Debug.Fail("The mark of a completed operation is not a continuation.");

    // Null until somebody awaits or the operation completes, whichever is first; the mark when completing came first.
    private Action<object?>? _continuation;
    private object? _state;

    // Where to go on, and in what context; null for right on the loop.
    private Destination? _destination;

    private ExceptionDispatchInfo? _error;
    private short _version;
    private bool _isCompleted;

    /// <summary>What the present operation's <see cref="ValueTask"/> must carry.</summary>
    internal readonly short Version => _version;

    /// <summary>Who awaits, as far as is known.</summary>
    internal readonly object? State => _state;

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
        _destination = null;
        _error = null;
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

    /// <summary>Throws what it completed with, if that is an exception. Whoever asks out of turn is told so, and changes nothing.</summary>
    internal readonly void GetResult(short token)
    {
        ThrowUnlessEnded(token);
        ThrowIfFailed();
    }

    /// <summary>Throws when it is not the operation of this token, or has not completed.</summary>
    internal readonly void ThrowUnlessEnded(short token)
    {
        Validate(token);
        if (!HasEnded) throw new InvalidOperationException("The operation has not completed: await it before asking for its result.");
    }

    internal readonly void ThrowIfFailed() => _error?.Throw();

    internal void OnCompleted(EventLoop loop, Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        Validate(token);
        var destination = Destination.Of(loop, flags);
        _destination = destination;
        _state = state;

        var former = Interlocked.CompareExchange(ref _continuation, continuation, null);
        if (former is null) return;
        if (!ReferenceEquals(former, _completed)) throw new InvalidOperationException("The operation is awaited already; it can be awaited once.");

        // It completed between the caller's look and now. Going on inside this call could nest without end.
        (destination ?? Destination.OnLoop).Schedule(loop, continuation, state);
    }

    /// <summary>Completes it; the owner has the result ready.</summary>
    internal void Complete()
    {
        Debug.Assert(!_isCompleted, "An operation completes once.");
        Volatile.Write(ref _isCompleted, true);
        var continuation = Volatile.Read(ref _continuation) ?? Interlocked.CompareExchange(ref _continuation, _completed, null);
        if (continuation is null) return;

        if (_destination is { } destination) destination.GoOn(continuation, _state);
        else continuation(_state);
    }

    private readonly void Validate(short token)
    {
        if (token != _version) throw new InvalidOperationException("The operation has been awaited already: a ValueTask can be awaited once.");
    }

    /// <summary>Where somebody goes on who does not simply await on the loop.</summary>
    /// <param name="Scheduler">A <see cref="SynchronizationContext"/> or a <see cref="TaskScheduler"/>; null for the thread pool.</param>
    /// <param name="ExecutionContext">What is to flow there.</param>
    private sealed record Destination(object? Scheduler, ExecutionContext? ExecutionContext)
    {
        private static readonly SynchronizationContext _loops = new();

        /// <summary>Right on the loop.</summary>
        internal static Destination OnLoop { get; } = new(_loops, ExecutionContext: null);

        /// <returns>Null for right on the loop.</returns>
        internal static Destination? Of(EventLoop loop, ValueTaskSourceOnCompletedFlags flags)
        {
            var executionContext = (flags & ValueTaskSourceOnCompletedFlags.FlowExecutionContext) != 0 ? ExecutionContext.Capture() : null;
            var scheduler = (flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext) != 0 ? Current(loop) : null;
            if (scheduler is null && loop.IsOnLoop) scheduler = _loops;
            return ReferenceEquals(scheduler, _loops) && executionContext is null ? null : new Destination(scheduler, executionContext);
        }

        /// <summary>On the loop, from its event.</summary>
        internal void GoOn(Action<object?> continuation, object? state)
        {
            if (ReferenceEquals(Scheduler, _loops)) ExecutionContext.Run(ExecutionContext!, new ContextCallback(continuation), state);
            else Schedule(Scheduler, continuation, state);
        }

        /// <summary>From the one who awaits.</summary>
        internal void Schedule(EventLoop loop, Action<object?> continuation, object? state) =>
            Schedule(ReferenceEquals(Scheduler, _loops) ? loop.SynchronizationContext : Scheduler, continuation, state);

        private void Schedule(object? scheduler, Action<object?> continuation, object? state)
        {
            if (ExecutionContext is { } executionContext)
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

        private static object? Current(EventLoop loop)
        {
            var context = SynchronizationContext.Current;
            if (ReferenceEquals(context, loop.SynchronizationContext)) return _loops;
            if (context is not null && context.GetType() != typeof(SynchronizationContext)) return context;
            return TaskScheduler.Current == TaskScheduler.Default ? null : TaskScheduler.Current;
        }
    }
}
