using System.Diagnostics;
using System.Globalization;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Hundreds of connections at once that come and go in every way there is, for as long as there is time: nothing is left of them.</summary>
[TestFixture]
public sealed class ChurnTests
{
    private static readonly int AtOnce = KqueueLibrary.Path is null ? 300 : KqueueLibrary.MostReadyAtOnce / 4;

    // Warm-up, then three stretches with a look at the figures after each.
    private const int Stretches = 4;

    // The pools of buffers are full whenever it is looked, and the warm-up has made what is made once. What may still grow are
    // the tables of registrations and pending connects, when more meet than ever before, and what the runtime's thread pool and
    // compiler hold: less than 0.2 MiB over many runs, and ten times that is for other machines. A short run has some 15,000
    // conversations after its warm-up, so a leak of 140 bytes each is more than this, and a minute shows one of ten.
    private const long MostGrowth = 2 * 1024 * 1024;

    // When time is up the last conversations have so long; their own timeouts are of some hundred milliseconds.
    private static readonly TimeSpan WindDown = TimeSpan.FromSeconds(30);

    // And the loops so long to be as before: less than the dials' timeout of 15 seconds, the shortest that is not to strike, since
    // a timer that was forgotten must not go by itself in the meantime.
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(10);

    [Test]
    public async Task Connections_that_come_and_go_in_every_way_leave_no_descriptor_no_timer_no_buffer_and_no_memory()
    {
        var random = Seed.NewRandom();
        var tally = new ChurnTally();
        await using var world = await ChurnWorld.Start();
        var workers = Enumerable.Range(0, AtOnce).Select(_ => new Random(random.Next())).ToArray();
        var running = Stopwatch.StartNew();
        var figures = new List<MemoryFigures> { await Look(world, tally, "at the start") };

        for (var stretch = 1; stretch <= Stretches; stretch++)
        {
            await Churn(world, workers, tally, LongRunTime.Given / Stretches);
            await AllIsBack(world);
            figures.Add(await Look(world, tally, stretch switch { 1 => "warm", Stretches => "at the end", _ => "midway" }));
        }

        PrintRun(world, tally, running.Elapsed);
        var (warm, end) = (figures[1], figures[^1]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(figures.Select(static figure => figure.NetworkDescriptors), Is.All.EqualTo(figures[0].NetworkDescriptors));
            Assert.That(end.ManagedBytes - warm.ManagedBytes, Is.LessThan(MostGrowth), "Managed memory has grown.");
            Assert.That(ChurnKinds.All.Select(static kind => kind.Name).Where(kind => tally.OfKind(kind) == 0), Is.Empty, "Every kind of conversation has had its turn.");
            TimeoutsAreCounted(world, tally);
        }
    }

    private static void TimeoutsAreCounted(ChurnWorld world, ChurnTally tally)
    {
        // Those that struck on the client's side are known one by one; those of the server's side are some at the least.
        var all = world.Client.Counters + world.Server.Counters;
        Assert.That(all.SendLimits, Is.EqualTo(tally.WithOutcome(nameof(CloseReason.SendLimit))));
        Assert.That(all.CloseTimeouts, Is.EqualTo(tally.WithOutcome(nameof(CloseReason.CloseTimeout))));
        Assert.That(all.IdleTimeouts, Is.GreaterThan(tally.WithOutcome(nameof(CloseReason.IdleTimeout))));
        Assert.That(all.WriteTimeouts, Is.GreaterThan(tally.WithOutcome(nameof(CloseReason.WriteTimeout))));
        Assert.That(all.FirstByteTimeouts, Is.Positive);
    }

    private static async Task Churn(ChurnWorld world, Random[] workers, ChurnTally tally, TimeSpan time)
    {
        var running = Stopwatch.StartNew();

        // Every other one lives on the client's loop, the others on the thread pool.
        var working = Task.WhenAll(workers.Select((random, worker) => worker % 2 == 0
            ? Task.Run(() => Work(world, random, tally, () => running.Elapsed < time))
            : world.Client.InvokeAsync(() => Work(world, random, tally, () => running.Elapsed < time))));
        try
        {
            await working.WaitAsync(time + WindDown);
        }
        catch (TimeoutException)
        {
            Assert.Fail(world.Pending());
        }

        Assert.That(world.Failures, Is.Empty, () => $"server {world.Server.Counters}; client {world.Client.Counters}");
    }

    private static async Task Work(ChurnWorld world, Random random, ChurnTally tally, Func<bool> goesOn)
    {
        while (goesOn() && !world.HasFailed)
        {
            var kind = ChurnKinds.All[random.Next(ChurnKinds.All.Count)];
            var conversation = new ChurnConversation(world, kind.Name, random);
            try
            {
                var outcome = await conversation.Hold(kind.Hold);
                tally.Add(kind.Name, outcome);
                if (!kind.Outcomes.Contains(outcome, StringComparer.Ordinal))
                    world.Fail($"{conversation}: ended with \"{outcome}\".");
            }
            catch (Exception exception)
            {
                world.Fail($"{conversation}: {exception}");
            }
        }
    }

    // The server's ends go their own way to the end.
    private static async Task AllIsBack(ChurnWorld world)
    {
        var waiting = Stopwatch.StartNew();
        while (world.Held() is { } held)
        {
            if (waiting.Elapsed > Aftermath)
                Assert.Fail($"When all conversations had ended this was not given back: {held}");
            await Task.Delay(5);
        }

        Assert.That(world.Failures, Is.Empty, () => $"server {world.Server.Counters}; client {world.Client.Counters}");
    }

    private static async Task<MemoryFigures> Look(ChurnWorld world, ChurnTally tally, string when)
    {
        await world.FillPools();
        var figures = MemoryFigures.Take();
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{when,-13}{figures}, {tally.Conversations} conversations"));
        return figures;
    }

    private static void PrintRun(ChurnWorld world, ChurnTally tally, TimeSpan elapsed)
    {
        var all = world.Client.Counters + world.Server.Counters;
        TestContext.Out.WriteLine(tally);
        TestContext.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{tally.Conversations} conversations in {elapsed.TotalSeconds:f1} s, {all.BytesSent} bytes sent and {all.BytesReceived} received by both ends"));
        TestContext.Out.WriteLine($"client {world.Client.Counters}");
        TestContext.Out.WriteLine($"server {world.Server.Counters}");
    }
}
