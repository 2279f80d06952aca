using System.Collections.Concurrent;
using System.Threading.Channels;
using BenchmarkDotNet.Attributes;
using Reactor.Benchmarks.Fixtures;

namespace Reactor.Benchmarks;

/// <summary>Work given to the loop by itself and by other threads, beside a <see cref="Channel"/> and its reader, and threads that block.</summary>
[GroupBenchmarksBy(BenchmarkDotNet.Configs.BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class PostBenchmarks
{
    private const int Posts = 4096;

    private static readonly UnboundedChannelOptions _oneReader = new() { SingleReader = true };

    private readonly LoopRunner _runner = new();
    private readonly LoopRunner _other = new();
    private readonly Channel<object> _there = Channel.CreateUnbounded<object>(_oneReader);
    private readonly BlockingCollection<object> _blockingThere = [];
    private readonly BlockingCollection<object> _blockingBack = [];
    private readonly AutoResetEvent _read = new(initialState: false);
    private readonly object _item = new();
    private readonly SendOrPostCallback _count;
    private readonly SendOrPostCallback _again;
    private readonly SendOrPostCallback _againByContext;
    private readonly SendOrPostCallback _toOther;
    private readonly SendOrPostCallback _toRunner;
    private readonly Action _beginAgain;
    private readonly Action _beginAgainByContext;
    private readonly Action _beginLegs;
    private Task _reading = Task.CompletedTask;
    private int _left;

    public PostBenchmarks()
    {
        _count = _ => { if (--_left == 0) _runner.End(); };
        _again = _ =>
        {
            if (--_left > 0) _runner.Loop.Post(_again!, state: null);
            else _runner.End();
        };
        _againByContext = _ =>
        {
            if (--_left > 0) _runner.Loop.SynchronizationContext.Post(_againByContext!, state: null);
            else _runner.End();
        };

        // The number is even, so the last leg ends where the first began.
        _toOther = _ =>
        {
            if (--_left > 0) _other.Loop.SynchronizationContext.Post(_toRunner!, state: null);
            else _runner.End();
        };
        _toRunner = _ =>
        {
            _left--;
            _runner.Loop.SynchronizationContext.Post(_toOther, state: null);
        };
        _beginAgain = () => _runner.Loop.Post(_again, state: null);
        _beginAgainByContext = () => _runner.Loop.SynchronizationContext.Post(_againByContext, state: null);
        _beginLegs = () => _other.Loop.SynchronizationContext.Post(_toRunner, state: null);
    }

    [GlobalSetup(Targets = [nameof(BlockingLeg)])]
    public void StartAnswering() => _reading = Task.Factory.StartNew(
        () =>
        {
            foreach (var item in _blockingThere.GetConsumingEnumerable()) _blockingBack.Add(item);
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    [GlobalSetup(Targets = [nameof(ChannelFlood)])]
    public void StartReading() => _reading = Task.Run(async () =>
    {
        await foreach (var item in _there.Reader.ReadAllAsync())
        {
            if (--_left == 0) _read.Set();
        }
    });

    [GlobalCleanup]
    public async Task CleanUp()
    {
        _there.Writer.Complete();
        _blockingThere.CompleteAdding();
        await _reading;
        _blockingThere.Dispose();
        _blockingBack.Dispose();
        _runner.Dispose();
        _other.Dispose();
        _read.Dispose();
    }

    [BenchmarkCategory("to itself"), Benchmark(Baseline = true, Description = "an item through a Channel, written and read in turn", OperationsPerInvoke = Posts)]
    public void ChannelOnOneThread()
    {
        for (var i = 0; i < Posts; i++)
        {
            _ = _there.Writer.TryWrite(_item);
            _ = _there.Reader.TryRead(out _);
        }
    }

    [BenchmarkCategory("to itself"), Benchmark(Description = "a post from the loop to itself, run", OperationsPerInvoke = Posts)]
    public void PostToItself() => Run(_beginAgain);

    [BenchmarkCategory("to itself"), Benchmark(Description = "the same by the SynchronizationContext, as awaits do", OperationsPerInvoke = Posts)]
    public void PostToItselfByContext() => Run(_beginAgainByContext);

    [BenchmarkCategory("wakes"), Benchmark(Baseline = true, Description = "an item through a BlockingCollection that wakes a thread", OperationsPerInvoke = Posts)]
    public void BlockingLeg()
    {
        for (var i = 0; i < Posts / 2; i++)
        {
            _blockingThere.Add(_item);
            _ = _blockingBack.Take();
        }
    }

    [BenchmarkCategory("wakes"), Benchmark(Description = "a post from one loop that wakes another", OperationsPerInvoke = Posts)]
    public void PostLeg() => Run(_beginLegs);

    [BenchmarkCategory("flood"), Benchmark(Baseline = true, Description = "an item through a Channel, of 4,096 from another thread", OperationsPerInvoke = Posts)]
    public void ChannelFlood()
    {
        _left = Posts;
        for (var i = 0; i < Posts; i++) _ = _there.Writer.TryWrite(_item);
        if (!_read.WaitOne(TimeSpan.FromMinutes(1))) throw new TimeoutException("The channel was not read in a minute.");
    }

    [BenchmarkCategory("flood"), Benchmark(Description = "a post run, of 4,096 from another thread", OperationsPerInvoke = Posts)]
    public void PostFlood()
    {
        _left = Posts;
        for (var i = 0; i < Posts; i++) _runner.Loop.Post(_count, state: null);
        _runner.Wait();
    }

    private void Run(Action begin)
    {
        _left = Posts;
        _runner.Run(begin);
    }
}
