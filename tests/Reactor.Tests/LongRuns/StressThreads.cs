using System.Collections.Concurrent;
using System.Diagnostics;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Threads that do one random operation after the other, a few of them at once each.</summary>
/// <param name="world">What they do it to.</param>
internal sealed class StressThreads(StressWorld world)
{
    private const int Threads = 6;

    // Operations that a thread has under way: it goes on with others while one waits.
    private const int UnderWayPerThread = 8;

    private readonly ConcurrentDictionary<UnderWay, byte> _underWay = new();
    private readonly ConcurrentDictionary<StressOperation, int> _counts = new();
    private Task[] _threads = [];

    public static IReadOnlyList<StressOperation> Operations { get; } = [.. StressLoopOperations.All, .. StressConnectionOperations.All];

    public long Done => _counts.Values.Sum(static count => (long)count);

    /// <summary>Those that nobody has done.</summary>
    public IEnumerable<StressOperation> Missing => Operations.Where(operation => !_counts.ContainsKey(operation));

    /// <summary>Starts the threads.</summary>
    /// <param name="random">What each gets its seed from.</param>
    /// <param name="goesOn">Asked before each operation.</param>
    public void Start(Random random, Func<bool> goesOn) =>
        _threads = [.. Enumerable.Range(0, Threads).Select(_ => random.Next()).ToArray().Select(seed => Task.Factory.StartNew(
            () => Run(new Random(seed), goesOn),
            TaskCreationOptions.LongRunning))];

    /// <summary>Done when the threads have ended, which leaves what they have under way.</summary>
    public async Task Stopped() => await Task.WhenAll(_threads).WaitAsync(LongRunTime.Given + Until.Limit);

    /// <summary>Done when all that was asked has been answered.</summary>
    public async Task Answered()
    {
        var waiting = Stopwatch.StartNew();
        while (!_underWay.IsEmpty)
        {
            if (waiting.Elapsed > Until.Limit)
                Assert.Fail(Pending());
            await Task.Delay(5);
        }
    }

    private void Run(Random random, Func<bool> goesOn)
    {
        var underWay = Enumerable.Repeat(Task.CompletedTask, UnderWayPerThread).ToArray();
        while (goesOn() && !world.HasFailed)
        {
            var free = Task.WaitAny(underWay, Until.Limit);
            if (free < 0)
            {
                world.Fail(Pending());
                return;
            }

            var operation = Operations[random.Next(Operations.Count)];
            underWay[free] = Perform(operation, new Random(random.Next()));
            _counts.AddOrUpdate(operation, 1, static (_, count) => count + 1);
        }
    }

    private async Task Perform(StressOperation operation, Random random)
    {
        var stress = new StressCase(world, random, world.AnyConnection(random));
        var underWay = new UnderWay(operation, stress, Environment.TickCount64);
        _underWay[underWay] = 0;
        try
        {
            // As a handler would, or as any other code.
            if (random.Next(4) == 0)
                await world.Loop.InvokeAsync(() => operation.Run(stress));
            else
                await operation.Run(stress);
        }
        catch (Exception exception)
        {
            // Asked once everything is over: a loop that was being ended at the end may have been so in between.
            if (!operation.Allowed(stress, exception) && !(world.IsEnding && exception is ObjectDisposedException))
                world.Fail($"{operation} on {stress.Connection} ({stress.Connection.CloseReason}): {exception}");
        }
        finally
        {
            _underWay.TryRemove(underWay, out _);
        }
    }

    private string Pending() => $"Nobody has answered these: {string.Join('\n', _underWay.Keys.Take(30))}\n{world.Loop.Counters}";

    private sealed record UnderWay(StressOperation Operation, StressCase Stress, long StartedMs)
    {
        public bool Equals(UnderWay? other) => ReferenceEquals(this, other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

        public override string ToString() =>
            $"{Operation}, {Environment.TickCount64 - StartedMs} ms ago, on {Stress.Connection} ({Stress.Connection.CloseReason}{(Stress.Target.IsInputCompleted ? ", input completed" : "")}{(Stress.Target.IsOutputCompleted ? ", output completed" : "")})";
    }
}
