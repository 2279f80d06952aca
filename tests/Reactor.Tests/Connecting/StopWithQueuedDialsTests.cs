using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The loop stops while far more dials wait in the queue than one turn has posted work for.</summary>
[TestFixture]
public sealed class StopWithQueuedDialsTests
{
    private const int Dials = 5_000;

    [TestCase(1)]
    [TestCase(256)]
    public async Task Every_caller_has_its_end_and_the_queue_is_empty(int maxInFlight)
    {
        using var log = new LogRecorder();
        var loop = TestLoop.Start(log: log);
        var connector = new Connector(loop, new ConnectOptions { MaxInFlight = maxInFlight });
        using var hanging = Loopback.Hanging();
        var ends = new int[Dials];
        var toldElsewhere = 0;

        async Task<ConnectOutcome> Dial(int number)
        {
            var result = await connector.TryConnectAsync(hanging.EndPoint);
            Interlocked.Increment(ref ends[number]);
            if (!loop.IsOnLoop)
                Interlocked.Increment(ref toldElsewhere);
            return result.Outcome;
        }

        var dialling = await loop.InvokeAsync(() => Enumerable.Range(0, Dials).Select(Dial).ToArray()).Within();
        Assert.That((connector.InFlight, connector.Queued), Is.EqualTo((maxInFlight, Dials - maxInFlight)), "The test's own premise.");

        await loop.DisposeAsync().Within();

        Assert.That((connector.InFlight, connector.Queued), Is.EqualTo((0, 0)), "The loop has waited for them.");
        var outcomes = await Task.WhenAll(dialling).Within();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes, Is.All.EqualTo(ConnectOutcome.Canceled));
            Assert.That(ends, Is.All.EqualTo(1));
            Assert.That(toldElsewhere, Is.Zero, "The queue is the loop's, and no other thread may go through it.");
            Assert.That(log.Above(LogLevel.Debug), Is.Empty, "Nobody was told twice, nor too late.");
        }
    }

    [Test]
    public async Task Callers_on_other_threads_have_their_end_as_well()
    {
        var loop = TestLoop.Start();
        var connector = new Connector(loop, new ConnectOptions { MaxInFlight = 256 });
        using var hanging = Loopback.Hanging();
        var dialling = Enumerable.Range(0, Dials).Select(_ => connector.TryConnectAsync(hanging.EndPoint).AsTask()).ToArray();
        await Until.True(() => connector.InFlight + connector.Queued == Dials);

        await loop.DisposeAsync().Within();

        Assert.That((connector.InFlight, connector.Queued), Is.EqualTo((0, 0)), "The loop has waited for them.");
        var results = await Task.WhenAll(dialling).Within();
        Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(ConnectOutcome.Canceled));
    }
}
