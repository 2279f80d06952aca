using System.Threading.Tasks.Sources;

namespace Reactor;

/// <summary>
/// An operation with a <see cref="LoopCompletion"/> of its own. One that another thread began needs it: when it completes the next
/// one may begin on yet another thread, before this one's awaiter has fetched its result.
/// </summary>
/// <typeparam name="TResult">What the operation gives.</typeparam>
/// <param name="loop">The loop.</param>
/// <param name="isReused">Whether its owner uses it for one operation after the other, and so calls <see cref="Reset"/> itself.</param>
internal sealed class LoopOperation<TResult>(EventLoop loop, bool isReused = false) : IValueTaskSource<TResult>
{
    private LoopCompletion _completion;
    private TResult _result = default!;

    internal ValueTask<TResult> Task => new(this, _completion.Version);

    internal void SetResult(TResult result)
    {
        _result = result;
        _completion.Complete();
    }

    internal void SetException(Exception error) => _completion.SetException(error);

    /// <summary>Begins another one; whoever has not fetched the result of the last never will.</summary>
    internal void Reset()
    {
        _result = default!;
        _completion.Reset();
    }

    TResult IValueTaskSource<TResult>.GetResult(short token)
    {
        _completion.ThrowUnlessEnded(token);
        try
        {
            _completion.ThrowIfFailed();
            return _result;
        }
        finally
        {
            // A second await is told that it is one. One that is used again may be the next operation's by now.
            if (!isReused) Reset();
        }
    }

    ValueTaskSourceStatus IValueTaskSource<TResult>.GetStatus(short token) => _completion.GetStatus(token);

    void IValueTaskSource<TResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(loop, continuation, state, token, flags);
}
