using BenchmarkDotNet.Attributes;
using Reactor.Benchmarks.Fixtures;

namespace Reactor.Benchmarks;

/// <summary>Timers with 1,000,000 of them pending, beside <see cref="Timer"/> and a priority queue.</summary>
[GroupBenchmarksBy(BenchmarkDotNet.Configs.BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class TimerBenchmarks
{
    private const int Pending = 1_000_000;

    // The deadlines lie evenly in this time, those of one millisecond far apart in memory. No clock runs: a benchmark says what time it is.
    private const int SpanMs = 62_500;
    private const int DuePerMs = Pending / SpanMs;
    private const int Operations = 1024;

    // Prime to the number of timers, so that every one has its turn, and none beside the one before.
    private const int Stride = 7919;

    private static readonly TimeSpan _late = TimeSpan.FromHours(1);

    private readonly LoopRunner _runner = new();
    private readonly TimerWheel _wheel = new();
    private readonly PriorityQueue<LoopTimer, long> _queue = new();
    private readonly LoopTimer[] _idle = new LoopTimer[Operations];
    private readonly Timer[] _idleThreadingTimers = new Timer[Operations];
    private LoopTimer[] _timers = [];
    private Timer[] _threadingTimers = [];
    private Action? _restartAndCancel;
    private Action? _startAndCancel;
    private int _next;
    private long _nowMs;
    private int _fired;

    private EventLoop Loop => _runner.Loop;

    [GlobalSetup(Targets = [nameof(WheelStartAndCancel), nameof(WheelRestart), nameof(WheelNoneDue), nameof(WheelFire)])]
    public void FillWheel()
    {
        MakeTimers();
        for (var i = 0; i < Pending; i++) _wheel.Start(_timers[i], 1 + (i % SpanMs));
    }

    [GlobalSetup(Targets = [nameof(QueueNoneDue), nameof(QueueFire)])]
    public void FillQueue()
    {
        MakeTimers();
        for (var i = 0; i < Pending; i++) _queue.Enqueue(_timers[i], 1 + (i % SpanMs));
    }

    [GlobalSetup(Targets = [nameof(RestartAndCancel), nameof(StartAndCancel)])]
    public void FillLoop()
    {
        MakeTimers();
        _runner.Run(() =>
        {
            for (var i = 0; i < Pending; i++) _timers[i].Restart(_late + TimeSpan.FromMilliseconds(i % SpanMs));
            _runner.End();
        });
        _restartAndCancel = RestartAndCancelOnLoop;
        _startAndCancel = StartAndCancelOnLoop;
    }

    [GlobalSetup(Targets = [nameof(ThreadingTimerChangeTwice), nameof(ThreadingTimerRestart), nameof(ThreadingTimerStartAndCancel)])]
    public void FillThreadingTimers()
    {
        _threadingTimers = new Timer[Pending];
        for (var i = 0; i < Pending; i++)
            _threadingTimers[i] = NewTimer(_late + TimeSpan.FromMilliseconds(i % SpanMs));
        for (var i = 0; i < Operations; i++) _idleThreadingTimers[i] = NewTimer(Timeout.InfiniteTimeSpan);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        foreach (var timer in _threadingTimers) timer.Dispose();
        foreach (var timer in _idleThreadingTimers) timer?.Dispose();
        _runner.Dispose();
        _timers = [];
        _threadingTimers = [];
    }

    [BenchmarkCategory("again"), Benchmark(Baseline = true, Description = "a Timer changed to be due, then never", OperationsPerInvoke = Operations)]
    public void ThreadingTimerChangeTwice()
    {
        foreach (var timer in _idleThreadingTimers)
        {
            timer.Change(_late, Timeout.InfiniteTimeSpan);
            timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    [BenchmarkCategory("again"), Benchmark(Description = "a LoopTimer restarted and cancelled", OperationsPerInvoke = Operations)]
    public void RestartAndCancel() => _runner.Run(_restartAndCancel!);

    [BenchmarkCategory("again"), Benchmark(Description = "the wheel alone: started and cancelled", OperationsPerInvoke = Operations)]
    public void WheelStartAndCancel()
    {
        foreach (var timer in _idle)
        {
            _wheel.Start(timer, 1 + (Next() % SpanMs));
            _wheel.Cancel(timer);
        }
    }

    [BenchmarkCategory("new"), Benchmark(Baseline = true, Description = "a new Timer, disposed")]
    public void ThreadingTimerStartAndCancel() => NewTimer(_late).Dispose();

    [BenchmarkCategory("new"), Benchmark(Description = "a new LoopTimer by StartTimer, cancelled", OperationsPerInvoke = Operations)]
    public void StartAndCancel() => _runner.Run(_startAndCancel!);

    [BenchmarkCategory("pending"), Benchmark(Baseline = true, Description = "a pending Timer put off")]
    public void ThreadingTimerRestart() => _threadingTimers[Next()].Change(_late, Timeout.InfiniteTimeSpan);

    [BenchmarkCategory("pending"), Benchmark(Description = "the wheel alone: a pending timer put off")]
    public void WheelRestart() => _wheel.Start(_timers[Next()], SpanMs - (_next % SpanMs));

    [BenchmarkCategory("none due"), Benchmark(Baseline = true, Description = "a priority queue asked for what is due, and when next", OperationsPerInvoke = Operations)]
    public long QueueNoneDue()
    {
        var sumMs = 0L;
        for (var i = 0; i < Operations; i++) sumMs += _queue.TryPeek(out _, out var dueMs) && dueMs > _nowMs ? dueMs : 0;
        return sumMs;
    }

    [BenchmarkCategory("none due"), Benchmark(Description = "the wheel alone: asked for what is due, and when next", OperationsPerInvoke = Operations)]
    public long WheelNoneDue()
    {
        var sumMs = 0L;
        for (var i = 0; i < Operations; i++) sumMs += _wheel.TakeDue(_nowMs) is null ? _wheel.NextMs() : 0;
        return sumMs;
    }

    [BenchmarkCategory("fire"), Benchmark(Baseline = true, Description = "a priority queue's first fires and is put back", OperationsPerInvoke = DuePerMs)]
    public void QueueFire()
    {
        _nowMs++;
        while (_queue.TryPeek(out var timer, out var dueMs) && dueMs <= _nowMs)
        {
            _ = _queue.DequeueEnqueue(timer, _nowMs + SpanMs);
            timer.Fire();
        }
    }

    [BenchmarkCategory("fire"), Benchmark(Description = "the wheel alone: a timer fires and is started anew", OperationsPerInvoke = DuePerMs)]
    public void WheelFire()
    {
        _nowMs++;
        while (_wheel.TakeDue(_nowMs) is { } timer)
        {
            timer.Fire();
            _wheel.Start(timer, _nowMs + SpanMs);
        }
    }

    private void MakeTimers()
    {
        _timers = new LoopTimer[Pending];
        for (var i = 0; i < Pending; i++) _timers[i] = NewLoopTimer();
        for (var i = 0; i < Operations; i++) _idle[i] = NewLoopTimer();
    }

    private LoopTimer NewLoopTimer() => new(Loop, static benchmarks => ((TimerBenchmarks)benchmarks!)._fired++, this);

    private static Timer NewTimer(TimeSpan dueTime) => new(static _ => { }, state: null, dueTime, Timeout.InfiniteTimeSpan);

    private int Next()
    {
        _next += Stride;
        if (_next >= Pending) _next -= Pending;
        return _next;
    }

    private void RestartAndCancelOnLoop()
    {
        foreach (var timer in _idle)
        {
            timer.Restart(_late + TimeSpan.FromMilliseconds(Next() % SpanMs));
            timer.Cancel();
        }

        _runner.End();
    }

    private void StartAndCancelOnLoop()
    {
        for (var i = 0; i < Operations; i++) Loop.StartTimer(_late, static () => { }).Cancel();
        _runner.End();
    }
}
