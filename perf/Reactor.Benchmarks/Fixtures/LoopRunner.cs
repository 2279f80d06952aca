namespace Reactor.Benchmarks.Fixtures;

/// <summary>A loop, and a way for the benchmark's thread to have work done on it that allocates nothing itself.</summary>
internal sealed class LoopRunner : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(1);

    private readonly AutoResetEvent _done = new(initialState: false);
    private Action? _begin;
    private Func<Task>? _work;
    private Exception? _error;

    internal EventLoop Loop { get; } = EventLoop.Start();

    /// <summary>Calls <paramref name="begin"/> on the loop and waits for <see cref="End"/>.</summary>
    internal void Run(Action begin)
    {
        _begin = begin;
        Loop.Enqueue(static runner => ((LoopRunner)runner!)._begin!(), this);
        Wait();
    }

    /// <summary>Runs <paramref name="work"/> on the loop until its task has ended.</summary>
    internal void Run(Func<Task> work)
    {
        _work = work;
        Loop.Enqueue(static runner => _ = ((LoopRunner)runner!).RunAsync(), this);
        Wait();
    }

    /// <summary>Lets <see cref="Run(Action)"/> return. From any thread.</summary>
    internal void End() => _done.Set();

    public void Dispose()
    {
        Loop.DisposeAsync().AsTask().Wait(_limit);
        _done.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await _work!();
        }
        catch (Exception exception)
        {
            _error = exception;
        }

        End();
    }

    /// <summary>Waits for <see cref="End"/>, for a benchmark that gives the loop its work itself.</summary>
    internal void Wait()
    {
        if (!_done.WaitOne(_limit)) throw new TimeoutException("The loop did not do its work in a minute.");
        if (_error is not null) throw new InvalidOperationException("The loop could not do its work.", _error);
    }
}
