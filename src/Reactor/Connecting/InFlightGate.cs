using System.Diagnostics;

namespace Reactor;

/// <summary>Lets a number of dials be under way at once and the others wait, first come, first served. On the loop only.</summary>
/// <param name="loop">The loop.</param>
/// <param name="limit">How many at once.</param>
internal sealed class InFlightGate(EventLoop loop, int limit)
{
    private readonly LinkedList<TaskCompletionSource<bool>> _waiting = [];

    internal int InFlight { get; private set; }

    internal int Waiting => _waiting.Count;

    /// <summary>Takes a place, or waits for one.</summary>
    /// <returns>False when the token was cancelled first.</returns>
    internal ValueTask<bool> EnterAsync(CancellationToken cancellationToken)
    {
        if (InFlight < limit)
        {
            InFlight++;
            return new ValueTask<bool>(true);
        }

        return WaitAsync(cancellationToken);
    }

    /// <summary>Gives a place back: to the one that has waited longest, if any.</summary>
    internal void Leave()
    {
        Debug.Assert(InFlight > 0, "A place is given back once.");
        if (_waiting.First is not { } first)
        {
            InFlight--;
            return;
        }

        _waiting.RemoveFirst();
        first.Value.SetResult(true);
    }

    private async ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        // Its continuation may not run inside Leave, which a former dial's end calls.
        var node = _waiting.AddLast(new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
        using var registration = cancellationToken.UnsafeRegister(_ => loop.Enqueue(_ => Forget(node), state: null), state: null);
        return await node.Value.Task;
    }

    private void Forget(LinkedListNode<TaskCompletionSource<bool>> node)
    {
        // Not in the list any more: it has its place, and the dial itself will see the cancellation.
        if (node.List is null) return;
        _waiting.Remove(node);
        node.Value.SetResult(false);
    }
}
