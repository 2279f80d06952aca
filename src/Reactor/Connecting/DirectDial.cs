using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Reactor;

/// <summary>
/// A dial of one address with nothing around it: no name to resolve, no wait for a place, no retry, no source to choose. Most are
/// that, and a storm of them is thousands, so it does without the state machines of <see cref="Connector"/>'s layers: it completes in the
/// event that its socket connects in. Used again for one dial after the other.
/// </summary>
internal sealed class DirectDial : IValueTaskSource<ConnectResult>, IValueTaskSource<Connection>
{
    private readonly Connector _connector;
    private readonly EventLoop _loop;
    private readonly PendingConnect _pending;
    private readonly Action _onEnded;
    private ConfiguredValueTaskAwaitable<PendingConnect.End>.ConfiguredValueTaskAwaiter _ending;
    private LoopCompletion _completion;
    private ConnectResult? _result;
    private EndPoint _endPoint = null!;
    private CancellationToken _cancellationToken;
    private long _start;
    private int _selfConnects;

    internal DirectDial(Connector connector)
    {
        _connector = connector;
        _loop = connector.Loop;
        _pending = new PendingConnect(_loop);
        _onEnded = OnEnded;
    }

    /// <summary>Dials; its place among those under way is taken. On the loop, one dial at a time.</summary>
    internal ValueTask<ConnectResult> TryConnectAsync(EndPoint endPoint, CancellationToken cancellationToken)
    {
        try
        {
            return HasEnded(endPoint, cancellationToken) ? new ValueTask<ConnectResult>(Take()) : new ValueTask<ConnectResult>(this, _completion.Version);
        }
        catch (Exception exception)
        {
            Fail();
            return ValueTask.FromException<ConnectResult>(exception);
        }
    }

    /// <inheritdoc cref="TryConnectAsync"/>
    internal ValueTask<Connection> ConnectAsync(EndPoint endPoint, CancellationToken cancellationToken)
    {
        try
        {
            if (!HasEnded(endPoint, cancellationToken)) return new ValueTask<Connection>(this, _completion.Version);
        }
        catch (Exception exception)
        {
            Fail();
            return ValueTask.FromException<Connection>(exception);
        }

        var result = Take();
        if (result.Connection is { } connection) return new ValueTask<Connection>(connection);
        return result.Outcome == ConnectOutcome.Canceled && cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<Connection>(cancellationToken)
            : ValueTask.FromException<Connection>(result.ToException());
    }

    ConnectResult IValueTaskSource<ConnectResult>.GetResult(short token)
    {
        _completion.GetResult(token);

        // A second await is told that it is one.
        _completion.Reset();
        return Take();
    }

    Connection IValueTaskSource<Connection>.GetResult(short token)
    {
        var cancellationToken = _cancellationToken;
        return ((IValueTaskSource<ConnectResult>)this).GetResult(token).ToConnection(cancellationToken);
    }

    ValueTaskSourceStatus IValueTaskSource<ConnectResult>.GetStatus(short token) => _completion.GetStatus(token);

    // Whether there is an exception to throw is seen when it is fetched.
    ValueTaskSourceStatus IValueTaskSource<Connection>.GetStatus(short token)
    {
        var status = _completion.GetStatus(token);
        if (status != ValueTaskSourceStatus.Succeeded || _result!.IsConnected) return status;
        return _result.Outcome == ConnectOutcome.Canceled && _cancellationToken.IsCancellationRequested ? ValueTaskSourceStatus.Canceled : ValueTaskSourceStatus.Faulted;
    }

    void IValueTaskSource<ConnectResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(_loop, continuation, state, token, flags);

    void IValueTaskSource<Connection>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(_loop, continuation, state, token, flags);

    private bool HasEnded(EndPoint endPoint, CancellationToken cancellationToken)
    {
        _endPoint = endPoint;
        _cancellationToken = cancellationToken;
        _start = _loop.Kernel.Timestamp;
        _selfConnects = 0;
        _completion.Reset();
        return TryToTheEnd(_connector.Options.ConnectTimeout);
    }

    // Free for the next dial from here on.
    private ConnectResult Take()
    {
        var result = _result!;
        _result = null;
        _endPoint = null!;
        _cancellationToken = default;
        _connector.Free(this);
        return result;
    }

    private void OnEnded()
    {
        try
        {
            if (!IsOver(_ending.GetResult()) && !TryToTheEnd(_connector.Left(_start))) return;
        }
        catch (Exception exception)
        {
            _connector.LeaveDirect();
            _completion.SetException(exception);
            return;
        }

        _completion.Complete();
    }

    // An end point of the user's own, or a kernel, may throw. This one is not used again: who knows what state it is in.
    private void Fail()
    {
        _result = null;
        _connector.LeaveDirect();
    }

    // False when an attempt is under way, of which OnEnded will hear.
    [SuppressMessage("Reliability", "CA2012:Use ValueTasks correctly", Justification = "The awaiter is asked for its result once, here or in OnEnded.")]
    private bool TryToTheEnd(TimeSpan timeout)
    {
        do
        {
            if (_cancellationToken.IsCancellationRequested || _loop.IsStopping) return IsOver(new PendingConnect.End(ConnectOutcome.Canceled));

            // Not by way of the loop's SynchronizationContext: it is on the loop that it ends.
            _ending = _pending.ConnectAsync(_endPoint, local: null, _connector.Options, timeout, _cancellationToken).ConfigureAwait(false).GetAwaiter();
            if (_ending.IsCompleted) continue;
            _ending.UnsafeOnCompleted(_onEnded);
            return false;
        }
        while (!IsOver(_ending.GetResult()));

        return true;
    }

    private bool IsOver(PendingConnect.End end)
    {
        _pending.Forget();
        if (end.IsSelfConnect && ++_selfConnects < Connector.MostSelfConnects) return false;
        _result = _connector.EndDirect(_endPoint, end, _start);
        return true;
    }
}
