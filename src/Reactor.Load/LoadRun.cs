using System.Diagnostics;

namespace Reactor.Load;

/// <summary>
/// Carries out a <see cref="LoadPlan"/> on an event loop, once. All of the load runs on the loop's thread;
/// <see cref="Progress"/> can be read from any.
/// </summary>
public sealed class LoadRun
{
    // A silent connection is noticed an eighth of the timeout late at most; a sweep over 10,000 takes some 50 us.
    private const int SweepsPerTimeout = 8;

    private readonly EventLoop _loop;
    private readonly LoadConnection[] _connections;
    private readonly Task[] _ends;
    private readonly TaskCompletionSource _allSettled = new();
    private readonly TaskCompletionSource _allFinished = new();

    // Non-null exactly once the load was stopped early.
    private int? _openWhenStopped;

    // Until when messages are sent, where the plan has a duration: it begins when the last connect is settled.
    private long _talkUntil = long.MaxValue;

    // Non-null exactly once the load runs.
    private Action? _cancelConnects;
    private LoopTimer? _sweep;

    /// <summary>Prepares a load.</summary>
    /// <param name="loop">The loop that dials and talks.</param>
    /// <param name="plan">What to do.</param>
    public LoadRun(EventLoop loop, LoadPlan plan)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(plan);
        if (plan.Problem is { } problem)
            throw new ArgumentException(problem, nameof(plan));

        _loop = loop;
        _connections = new LoadConnection[plan.Connections];
        _ends = new Task[plan.Connections];
        Plan = plan;
        Expected = new ExpectedReply(plan.Message, plan.Expect);
        Connector = new Connector(loop, new ConnectOptions
        {
            ConnectTimeout = plan.ConnectTimeout,
            MaxInFlight = plan.InFlight,
            ConnectsPerSecond = plan.ConnectsPerSecond ?? double.PositiveInfinity,
        });
    }

    /// <summary>What is carried out.</summary>
    public LoadPlan Plan { get; }

    /// <summary>How far it has come.</summary>
    public LoadProgress Progress => Tally.Progress;

    internal Connector Connector { get; }

    internal ExpectedReply Expected { get; }

    internal LoadTally Tally { get; } = new();

    /// <summary>
    /// Done when a connection may talk: once every connect has ended, so that neither is measured while the other goes on.
    /// With a pace connections arrive over a long time, and each talks when it comes.
    /// </summary>
    internal Task MayTalk => Plan.ConnectsPerSecond is null ? _allSettled.Task : Task.CompletedTask;

    /// <summary>Done when every connection has failed or has said all that it had to say.</summary>
    internal Task AllFinished => _allFinished.Task;

    /// <summary>Cancelled when the load is stopped early.</summary>
    internal CancellationToken Stopping { get; private set; }

    /// <summary>Carries out the plan.</summary>
    /// <param name="cancellationToken">Stops the load early; the report then tells what was done until then.</param>
    /// <returns>What came of it.</returns>
    public Task<LoadReport> RunAsync(CancellationToken cancellationToken = default) =>
        _loop.InvokeAsync(() => RunOnLoopAsync(cancellationToken));

    /// <summary>Whether a connection that has sent this many messages sends another one.</summary>
    internal bool GoesOn(int messages) => _openWhenStopped is null && (Plan.Duration is null
        ? messages < Plan.Repeat
        : messages == 0 || Stopwatch.GetTimestamp() < _talkUntil);

    internal void ConnectSettled(ConnectResult result)
    {
        Tally.ConnectSettled(result);
        ReleaseWhenAllSettled();
    }

    internal void ConnectionFinished()
    {
        Tally.ConnectionFinished();
        ReleaseWhenAllFinished();
    }

    private async Task<LoadReport> RunOnLoopAsync(CancellationToken cancellationToken)
    {
        if (_cancelConnects is not null)
            throw new InvalidOperationException("A load runs once.");
        using var stopping = new CancellationTokenSource();
        _cancelConnects = stopping.Cancel;
        Stopping = stopping.Token;
        Tally.Start();

        using var sweep = _sweep = _loop.StartTimer(Plan.ReplyTimeout / SweepsPerTimeout, Sweep);
        using var registration = cancellationToken.UnsafeRegister(static run => ((LoadRun)run!).PostStop(), this);
        for (var i = 0; i < _connections.Length; i++)
            _connections[i] = new LoadConnection(this);
        for (var i = 0; i < _connections.Length; i++)
            _ends[i] = _connections[i].RunAsync();

        await AllFinished;
        await Task.WhenAll(_ends);
        return Tally.ToReport(Plan, Expected.OtherExpectation, _openWhenStopped);
    }

    private void ReleaseWhenAllSettled()
    {
        if (Tally.Settled < _connections.Length || _allSettled.Task.IsCompleted)
            return;
        if (Plan.Duration is { } duration)
            _talkUntil = Stopwatch.GetTimestamp() + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        _allSettled.SetResult();
    }

    private void ReleaseWhenAllFinished()
    {
        if (Tally.Finished < _connections.Length || _allFinished.Task.IsCompleted)
            return;
        Tally.AllFinished();
        _allFinished.SetResult();
    }

    private void Sweep()
    {
        foreach (var connection in _connections)
            connection.GiveUpWhenSilent(Plan.ReplyTimeout);
        if (!_allFinished.Task.IsCompleted)
            _sweep?.Restart(Plan.ReplyTimeout / SweepsPerTimeout);
    }

    private void PostStop() => _loop.Post(static run => ((LoadRun)run!).Stop(), this);

    private void Stop()
    {
        if (_allFinished.Task.IsCompleted)
            return;
        _openWhenStopped = _connections.Count(static connection => connection.IsOpen);
        _cancelConnects?.Invoke();
        foreach (var connection in _connections)
            connection.Stop();
    }
}
