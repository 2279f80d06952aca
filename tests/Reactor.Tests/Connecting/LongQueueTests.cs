using System.Diagnostics;
using System.Net;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Tens of thousands of dials that wait for a place.</summary>
[TestFixture]
public sealed class LongQueueTests
{
    private const int Dials = 20_000;

    [Test]
    public async Task Twenty_thousand_queued_dials_begin_in_their_order_and_each_has_its_outcome()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel);
        await using var server = TestLoop.Start();

        // Every address of 127.0.0.0/8 and none of a real network.
        await using var listener = await server.ListenAsync(new IPEndPoint(IPAddress.Any, 0), Handlers.Discard, new ListenOptions { Device = "lo" }).Within();
        await using var loop = TestLoop.Start(kernel);

        // Resets leave no TIME_WAIT, which would use up ports and stay for a minute.
        var connector = new Connector(loop, new ConnectOptions { MaxInFlight = 100, Linger = TimeSpan.Zero, ConnectTimeout = TimeSpan.FromMinutes(1) });
        var port = ((IPEndPoint)listener.LocalEndPoint).Port;
        IPEndPoint[] endPoints = [.. Enumerable.Range(0, Dials).Select(number => new IPEndPoint(new IPAddress([127, 3, (byte)(number / 250), (byte)(1 + (number % 250))]), port))];
        var most = 0;
        var watch = Stopwatch.StartNew();

        var outcomes = await loop.InvokeAsync(() => Task.WhenAll(endPoints.Select(async endPoint =>
        {
            var result = await connector.TryConnectAsync(endPoint);
            most = Math.Max(most, connector.InFlight);
            if (result.Connection is { } connection)
                await connection.CloseAsync();
            return result.Outcome;
        }))).WaitAsync(TimeSpan.FromMinutes(2));

        TestContext.Out.WriteLine($"{Dials} dials in {watch.Elapsed.TotalSeconds:f1} s");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes, Is.All.EqualTo(ConnectOutcome.Connected));
            Assert.That(calls.All.Select(static call => call.EndPoint).SequenceEqual(endPoints), Is.True, "First come, first served.");
            Assert.That(most, Is.LessThanOrEqualTo(100));
            Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(60)), "A queue that was gone through for each would take minutes.");
            Assert.That((connector.InFlight, connector.Queued, loop.Counters.Timers), Is.EqualTo((0, 0, 0)));
        }

        await Until.True(() => server.Counters.Connections == 0);
    }

    [Test]
    public async Task Cancelling_twenty_thousand_queued_dials_ends_each_once()
    {
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static _ => true };
        await using var loop = TestLoop.Start(kernel);
        var connector = new Connector(loop, new ConnectOptions { MaxInFlight = 1 });
        using var source = new CancellationTokenSource();
        var ends = 0;
        var dialling = await loop.InvokeAsync(() => Enumerable.Range(0, Dials).Select(async _ =>
        {
            var result = await connector.TryConnectAsync(new IPEndPoint(IPAddress.Loopback, 9), source.Token);
            Interlocked.Increment(ref ends);
            return result.Outcome;
        }).ToArray()).Within();
        Assert.That((connector.InFlight, connector.Queued), Is.EqualTo((1, Dials - 1)));

        await source.CancelAsync();
        var outcomes = await Task.WhenAll(dialling).WaitAsync(TimeSpan.FromMinutes(1));

        Assert.That(outcomes, Is.All.EqualTo(ConnectOutcome.Canceled));
        Assert.That((ends, connector.InFlight, connector.Queued), Is.EqualTo((Dials, 0, 0)));
        Assert.That(calls.Count, Is.LessThan(Dials), "Who was still waiting was not dialled.");
    }
}
