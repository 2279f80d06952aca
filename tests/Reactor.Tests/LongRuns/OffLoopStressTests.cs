using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO.Pipelines;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>
/// Every public member of a loop and of what lives on it, called by several threads at any time: nobody waits for ever, nobody
/// hears of anything that is not documented, and the loop goes on as if nothing had been.
/// </summary>
[TestFixture]
public sealed class OffLoopStressTests
{
    // Before the loop is ended in the midst of them and again after that: a tenth of a second of six threads.
    private const int OperationsAroundTheEnd = 5_000;

    private static readonly Type[] Used =
        [typeof(EventLoop), typeof(LoopTimer), typeof(Connector), typeof(Listener), typeof(Connection), typeof(PipeReader), typeof(PipeWriter)];

    [Test]
    public void Every_public_member_is_used_by_an_operation_and_no_operation_is_of_a_member_that_is_gone()
    {
        var members = Used.SelectMany(PublicMembers.Of);
        var used = StressThreads.Operations.SelectMany(static operation => operation.Covers).Distinct(StringComparer.Ordinal);

        Assert.That(used, Is.EquivalentTo(members));
    }

    [Test]
    public async Task Threads_that_use_everything_at_any_time_are_all_answered_and_the_loop_lives_until_it_is_disposed_in_the_midst_of_them()
    {
        var random = Seed.NewRandom();
        using var unobserved = new UnobservedExceptions();
        await using var world = await StressWorld.Start();
        var threads = new StressThreads(world);

        var running = Stopwatch.StartNew();
        threads.Start(random, () => running.Elapsed < LongRunTime.Given);
        await threads.Stopped();
        await world.Calm();
        await threads.Answered();
        TestContext.Out.WriteLine($"at rest: {threads.Done} operations; {world.Loop.Counters}");
        Assert.That(world.Failures, Is.Empty);
        await Until.True(() => world.Held() is null);
        await StillServes(world);

        await world.Resume();
        var goOn = true;
        threads.Start(random, () => Volatile.Read(ref goOn));
        try
        {
            await More(threads, world);
            await world.EndLoop();
            await More(threads, world);
        }
        finally
        {
            Volatile.Write(ref goOn, false);
        }

        await threads.Stopped();
        await world.Calm();
        await threads.Answered();

        TestContext.Out.WriteLine($"ended: {threads.Done} operations; {world.Loop.Counters}");
        Assert.That(world.Failures, Is.Empty);
        Assert.That(threads.Missing, Is.Empty);
        Assert.That(unobserved.Collect(), Is.Empty);
        Assert.That(world.Loop.Counters, Has.Property(nameof(EventLoopCounters.Connections)).Zero
            .And.Property(nameof(EventLoopCounters.Registrations)).Zero
            .And.Property(nameof(EventLoopCounters.Timers)).Zero
            .And.Property(nameof(EventLoopCounters.RentedBuffers)).Zero);
    }

    private static Task More(StressThreads threads, StressWorld world)
    {
        var enough = threads.Done + OperationsAroundTheEnd;
        return Until.True(() => threads.Done > enough || world.HasFailed);
    }

    private static async Task StillServes(StressWorld world)
    {
        var connection = await world.Loop.ConnectAsync("127.0.0.1", world.Port).Within();
        await connection.Output.WriteAsync("still there"u8.ToArray()).Within();
        var read = await connection.Input.ReadAtLeastAsync("still there".Length).Within();
        Assert.That(read.Buffer.ToArray(), Is.EqualTo("still there"u8.ToArray()));
        connection.Input.AdvanceTo(read.Buffer.End);
        await connection.CloseAsync().Within();
        await Until.True(() => world.Held() is null);
    }

    /// <summary>Failed tasks that nobody has looked at: what the framework does for itself must not fail unheard.</summary>
    private sealed class UnobservedExceptions : IDisposable
    {
        private readonly ConcurrentQueue<string> _seen = new();

        public UnobservedExceptions()
        {
            // Not those of earlier tests.
            CollectAll(2);
            TaskScheduler.UnobservedTaskException += OnUnobserved;
        }

        public string[] Collect()
        {
            CollectAll(2);
            return [.. _seen];
        }

        public void Dispose() => TaskScheduler.UnobservedTaskException -= OnUnobserved;

        private static void CollectAll(int times)
        {
            for (; times > 0; times--)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }

        private void OnUnobserved(object? sender, UnobservedTaskExceptionEventArgs unobserved) => _seen.Enqueue(unobserved.Exception.ToString());
    }
}
