using System.Threading.Tasks.Sources;

namespace Reactor;

/// <summary>
/// A <see cref="LoopCompletion{TResult}"/> of its own, for an operation that another thread began: when it completes the next one may
/// begin on yet another thread, before this one's awaiter has fetched its result.
/// </summary>
/// <typeparam name="TResult">What the operation gives.</typeparam>
/// <param name="loop">The loop.</param>
internal sealed class LoopOperation<TResult>(EventLoop loop) : IValueTaskSource<TResult>
{
    private LoopCompletion<TResult> _completion = new(loop);

    internal ValueTask<TResult> Task => new(this, _completion.Version);

    internal void SetResult(TResult result) => _completion.SetResult(result);

    internal void SetException(Exception error) => _completion.SetException(error);

    TResult IValueTaskSource<TResult>.GetResult(short token)
    {
        try
        {
            return _completion.GetResult(token);
        }
        finally
        {
            // A second await is told that it is one.
            _completion.Reset();
        }
    }

    ValueTaskSourceStatus IValueTaskSource<TResult>.GetStatus(short token) => _completion.GetStatus(token);

    void IValueTaskSource<TResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(continuation, state, token, flags);
}
