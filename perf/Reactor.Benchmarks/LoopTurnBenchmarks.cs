using BenchmarkDotNet.Attributes;
using Reactor.Benchmarks.Fixtures;

namespace Reactor.Benchmarks;

/// <summary>One turn of the loop, beside the system calls that it cannot do without.</summary>
[GroupBenchmarksBy(BenchmarkDotNet.Configs.BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class LoopTurnBenchmarks
{
    private const int Turns = 1024;
    private const int Timers = 1_000_000;
    private const int MessageBytes = 64;

    private readonly LoopRunner _runner = new();
    private readonly PollEvent[] _events = new PollEvent[256];
    private readonly byte[] _message = new byte[MessageBytes];
    private readonly List<LoopTimer> _timers = [];
    private Poller? _poller;
    private DescriptorPair _pair;
    private RepeatedTurn? _repeated;
    private ReadableSocket? _readable;

    private EventLoop Loop => _runner.Loop;

    [GlobalSetup(Targets = [nameof(EmptyTurn)])]
    public void MakeTurn() => _repeated = new RepeatedTurn(_runner);

    [GlobalSetup(Targets = [nameof(EmptyTurnWithTimers)])]
    public void MakeTurnWithTimers()
    {
        MakeTurn();
        _runner.Run(() =>
        {
            for (var i = 0; i < Timers; i++) _timers.Add(Loop.StartTimer(TimeSpan.FromHours(1) + TimeSpan.FromMilliseconds(i), static () => { }));
            _runner.End();
        });
    }

    [GlobalSetup(Targets = [nameof(Poll)])]
    public void MakePoller() => _ = Kernel.System.CreatePoller(out _poller);

    [GlobalSetup(Targets = [nameof(SendPollReceive)])]
    public void MakePolledPair()
    {
        MakePoller();
        _pair = DescriptorPair.Open();
        _ = _poller!.Add(_pair.Left, new Token(1, 1));
    }

    [GlobalSetup(Targets = [nameof(ReadableTurn)])]
    public void MakeReadable() => _readable = new ReadableSocket(_runner);

    [GlobalCleanup]
    public void CleanUp()
    {
        if (_readable is not null) _runner.Run(_readable.Close);
        _runner.Dispose();
        _poller?.Dispose();
        _timers.Clear();
        if (_pair == default) return;
        _ = Kernel.System.Close(_pair.Left);
        _ = Kernel.System.Close(_pair.Right);
    }

    [BenchmarkCategory("empty"), Benchmark(Baseline = true, Description = "a poll that finds nothing, without the loop", OperationsPerInvoke = Turns)]
    public void Poll()
    {
        for (var i = 0; i < Turns; i++) _ = _poller!.Wait(_events, timeoutMs: 0);
    }

    [BenchmarkCategory("empty"), Benchmark(Description = "a turn with nothing to do", OperationsPerInvoke = Turns)]
    public void EmptyTurn() => _runner.Run(_repeated!.Begin);

    [BenchmarkCategory("empty"), Benchmark(Description = "the same with 1,000,000 timers pending and none due", OperationsPerInvoke = Turns)]
    public void EmptyTurnWithTimers() => _runner.Run(_repeated!.Begin);

    [BenchmarkCategory("readable"), Benchmark(Baseline = true, Description = "64 B sent, polled and received, without the loop", OperationsPerInvoke = Turns)]
    public void SendPollReceive()
    {
        for (var i = 0; i < Turns; i++)
        {
            _ = Kernel.System.Send(_pair.Right, _message);
            _ = _poller!.Wait(_events, timeoutMs: 0);
            _ = Kernel.System.Receive(_pair.Left, _message);
        }
    }

    [BenchmarkCategory("readable"), Benchmark(Description = "a turn with one readable socket: 64 B received, and the next sent", OperationsPerInvoke = Turns)]
    public void ReadableTurn() => _runner.Run(_readable!.Begin);

    /// <summary>Asks for a turn in each turn. A post would not do: one from the loop to itself is run in the same turn.</summary>
    private sealed class RepeatedTurn(LoopRunner runner) : IRegistrant
    {
        private int _left;

        internal void Begin()
        {
            _left = Turns;
            runner.Loop.EnqueueReady(this);
        }

        void IRegistrant.OnTurn()
        {
            if (--_left > 0) runner.Loop.EnqueueReady(this);
            else runner.End();
        }

        void IRegistrant.OnEvents(PollEvent news) => throw new NotSupportedException("It is never registered.");

        void IRegistrant.OnStopping() => throw new NotSupportedException("It is never registered.");

        void IRegistrant.OnStopped() => throw new NotSupportedException("It is never registered.");
    }

    /// <summary>A registered socket that is readable once in each turn.</summary>
    private sealed class ReadableSocket : IRegistrant
    {
        private readonly LoopRunner _runner;
        private readonly DescriptorPair _pair = DescriptorPair.Open();
        private readonly byte[] _message = new byte[MessageBytes];
        private Token _token;
        private int _left;

        internal ReadableSocket(LoopRunner runner)
        {
            _runner = runner;
            runner.Run(() =>
            {
                _ = runner.Loop.Register(_pair.Left, this, out _token);
                runner.End();
            });
        }

        internal void Begin()
        {
            _left = Turns;
            _ = Kernel.System.Send(_pair.Right, _message);
        }

        internal void Close()
        {
            _runner.Loop.Close(_pair.Left, _token);
            _ = Kernel.System.Close(_pair.Right);
            _runner.End();
        }

        void IRegistrant.OnEvents(PollEvent news)
        {
            // Writable alone is what a socket is when it is registered.
            if ((news.Readiness & Readiness.Readable) == 0) return;
            _ = _runner.Loop.Kernel.Receive(_pair.Left, _message);
            if (--_left > 0) _ = _runner.Loop.Kernel.Send(_pair.Right, _message);
            else _runner.End();
        }

        void IRegistrant.OnTurn() => throw new NotSupportedException("It never asks for a turn.");

        void IRegistrant.OnStopping() => throw new NotSupportedException("It is closed before.");

        void IRegistrant.OnStopped() => throw new NotSupportedException("It is closed before.");
    }
}
