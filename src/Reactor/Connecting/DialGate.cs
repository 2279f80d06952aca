using System.Diagnostics;

namespace Reactor;

/// <summary>
/// Lets dials begin: a number at once and a number a second, the others wait, first come, first served. On the loop only.
/// </summary>
internal sealed class DialGate
{
    private readonly EventLoop _loop;
    private readonly int _limit;
    private readonly ConnectPace _pace;
    private readonly LoopTimer _timer;
    private readonly LinkedList<TaskCompletionSource<bool>> _waiting = [];

    internal DialGate(EventLoop loop, ConnectOptions options)
    {
        _loop = loop;
        _limit = options.MaxInFlight;
        _pace = new ConnectPace(options.ConnectsPerSecond);
        _timer = new LoopTimer(loop, static gate => ((DialGate)gate!).LetIn(), this);
    }

    internal int InFlight { get; private set; }

    internal int Waiting => _waiting.Count;

    /// <summary>Takes a place, or waits for one.</summary>
    /// <returns>False when the token was cancelled first.</returns>
    internal ValueTask<bool> EnterAsync(CancellationToken cancellationToken) =>
        TryEnter() ? new ValueTask<bool>(true) : WaitAsync(cancellationToken);

    /// <summary>Takes a place if there is one.</summary>
    internal bool TryEnter()
    {
        if (_waiting.Count > 0 || InFlight >= _limit) return false;
        if (!_pace.TryTake(_loop.Kernel.Timestamp, hasWaited: false, out var wait))
        {
            // For the one who will wait.
            _timer.Restart(wait);
            return false;
        }

        InFlight++;
        return true;
    }

    /// <summary>Gives a place back: to the one that has waited longest, if any.</summary>
    internal void Leave()
    {
        Debug.Assert(InFlight > 0, "A place is given back once.");
        InFlight--;
        LetIn();
    }

    // A loop that stops lets everybody in, to be cancelled there.
    private void LetIn()
    {
        while (InFlight < _limit && _waiting.First is { } first)
        {
            // Those that are cancelled while they wait take no place in time.
            if (!_pace.TryTake(_loop.Kernel.Timestamp, hasWaited: true, out var wait) && !_loop.IsStopping)
            {
                _timer.Restart(wait);
                return;
            }

            InFlight++;
            _waiting.RemoveFirst();
            first.Value.SetResult(true);
        }
    }

    private async ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        // Its continuation may not run inside Leave, which a former dial's end calls.
        var node = _waiting.AddLast(new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
        using var stopping = _pace.IsLimited ? _loop.Stopping.UnsafeRegister(static gate => ((DialGate)gate!).LetIn(), this) : default;
        using var registration = cancellationToken.UnsafeRegister(_ => _loop.Enqueue(_ => Forget(node), state: null), state: null);
        return await node.Value.Task;
    }

    private void Forget(LinkedListNode<TaskCompletionSource<bool>> node)
    {
        // Not in the list any more: it has its place, and the dial itself will see the cancellation.
        if (node.List is null) return;
        _waiting.Remove(node);
        node.Value.SetResult(false);
        if (_waiting.Count == 0) _timer.Cancel();
    }
}
