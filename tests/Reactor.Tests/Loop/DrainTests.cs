using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A loop that ends says how: what ended by itself, what it aborted, and which dials it cancelled.</summary>
[TestFixture]
public sealed class DrainTests
{
    [Test]
    public async Task Connections_whose_handlers_finish_in_time_were_drained()
    {
        using var log = new LogRecorder();
        var loop = TestLoop.Start(log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            await Handlers.Echo(connection);
            await connection.Output.WriteAsync("bye"u8.ToArray());
        }).Within();
        var peers = Enumerable.Range(0, 10).Select(_ => RawPeer.Dial(listener.LocalEndPoint)).ToArray();
        await Until.True(() => listener.Active == peers.Length);

        await loop.DisposeAsync().Within();

        foreach (var peer in peers)
        {
            Assert.That(peer.ReadText(3), Is.EqualTo("bye"));
            Assert.That(peer.EndsInOrder(), Is.True);
            peer.Dispose();
        }

        ExpectEnd(loop, log, drained: 10, aborted: 0, cancelled: 0);
        Assert.That(log.Above(LogLevel.Debug), Is.Empty);
    }

    [Test]
    public async Task Those_that_do_not_were_aborted()
    {
        using var log = new LogRecorder();
        var loop = TestLoop.Start(log: log, shutdownTimeout: TimeSpan.FromMilliseconds(100));
        var never = new TaskCompletionSource();
        var stubborn = 0;
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, connection => stubborn++ < 3 ? never.Task : Handlers.Echo(connection)).Within();
        var peers = Enumerable.Range(0, 8).Select(_ => RawPeer.Dial(listener.LocalEndPoint)).ToArray();
        await Until.True(() => listener.Active == peers.Length);

        await loop.DisposeAsync().Within();

        Assert.That(peers.Count(static peer => peer.EndsInOrder()), Is.EqualTo(5));
        ExpectEnd(loop, log, drained: 5, aborted: 3, cancelled: 0);
        Assert.That(log.Above(LogLevel.Debug).Single().Event.Id, Is.EqualTo(3), "That some did not end in time is a warning.");
        never.SetResult();
        foreach (var peer in peers)
            peer.Dispose();
    }

    [Test]
    public async Task Connections_that_had_ended_before_count_as_neither()
    {
        using var log = new LogRecorder();
        var loop = TestLoop.Start(log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using (RawPeer.Dial(listener.LocalEndPoint))
            await Until.True(() => listener.Active == 1);
        await Until.True(() => listener.Active == 0);

        await loop.DisposeAsync().Within();

        var counters = loop.Counters;
        Assert.That((counters.Accepted, counters.Drained, counters.Aborted), Is.EqualTo((1, 0, 0)));
        Assert.That(log.Lines, Is.Empty, "There was nothing to tell.");
    }

    [Test]
    public async Task Dials_under_way_and_queued_were_cancelled()
    {
        using var log = new LogRecorder();
        var loop = TestLoop.Start(connect: new ConnectOptions { MaxInFlight = 5 }, log: log);
        using var hanging = Loopback.Hanging();
        var dialling = Enumerable.Range(0, 20).Select(_ => loop.TryConnectAsync(hanging.EndPoint).AsTask()).ToArray();
        await Until.True(() => loop.Connector.Queued == 15 && loop.Connector.InFlight == 5);

        await loop.DisposeAsync().Within();

        var outcomes = (await Task.WhenAll(dialling).Within()).Select(static result => result.Outcome);
        Assert.That(outcomes, Is.All.EqualTo(ConnectOutcome.Canceled));
        ExpectEnd(loop, log, drained: 0, aborted: 0, cancelled: 20);
    }

    [Test]
    public async Task Dialled_connections_count_as_accepted_ones_do()
    {
        using var log = new LogRecorder();
        var loop = TestLoop.Start(log: log, shutdownTimeout: TimeSpan.FromMilliseconds(100));
        using var raw = RawListener.Start();
        var forgotten = await loop.ConnectAsync(raw.LocalEndPoint).Within();
        using var peerOfForgotten = raw.Accept();
        var busy = await loop.ConnectAsync(raw.LocalEndPoint).Within();
        using var peerOfBusy = raw.Accept();
        peerOfBusy.Send("work");
        var read = await busy.Input.ReadAtLeastAsync(4).Within();

        await loop.DisposeAsync().Within();

        Assert.That((forgotten.CloseReason, busy.CloseReason), Is.EqualTo((CloseReason.LoopStopped, CloseReason.LoopStopped)));
        Assert.That((peerOfForgotten.EndsInOrder(), peerOfBusy.EndsInOrder()), Is.EqualTo((true, false)));
        Assert.That(read.Buffer.Length, Is.EqualTo(4), "Its owner had it in hand and did not end.");
        busy.Input.AdvanceTo(read.Buffer.End);
        ExpectEnd(loop, log, drained: 1, aborted: 1, cancelled: 0);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Ended_twice_and_from_the_loop_or_elsewhere_it_counts_once(bool fromTheLoop)
    {
        using var log = new LogRecorder();
        var loop = TestLoop.Start(log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Active == 1);

        var ending = fromTheLoop
            ? await loop.InvokeAsync(() => Task.WhenAll(loop.DisposeAsync().AsTask(), loop.DisposeAsync().AsTask()).ContinueWith(static _ => true, TaskScheduler.Default)).Within()
            : await Task.WhenAll(Task.Run(() => loop.DisposeAsync().AsTask()), Task.Run(() => loop.DisposeAsync().AsTask())).ContinueWith(static _ => true, TaskScheduler.Default).Within();
        await loop.DisposeAsync().Within();

        Assert.That(ending, Is.True);
        ExpectEnd(loop, log, drained: 1, aborted: 0, cancelled: 0);
    }

    [Test]
    public async Task In_a_storm_of_clients_each_one_has_an_end()
    {
        const int clients = 300;
        DescriptorLimit.NeedOrSkip((4 * clients) + 500);
        using var log = new LogRecorder();
        var server = TestLoop.Start(log: log, shutdownTimeout: TimeSpan.FromSeconds(2));
        await using var client = TestLoop.Start(connect: new ConnectOptions { ConnectTimeout = TimeSpan.FromSeconds(10) });
        var listener = await server.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        var echoes = 0;
        var stop = false;

        async Task<int> DialAgainAndAgain()
        {
            for (var times = 1; ; times++)
            {
                var result = await client.TryConnectAsync(listener.LocalEndPoint);
                if (result.Connection is not { } connection)
                {
                    if (Volatile.Read(ref stop))
                        return times;
                    continue;
                }

                try
                {
                    await connection.Output.WriteAsync("hello"u8.ToArray());
                    var read = await connection.Input.ReadAtLeastAsync(5);
                    connection.Input.AdvanceTo(read.Buffer.End);
                    if (!read.IsCompleted)
                        echoes++;
                }
                catch (ConnectionException)
                {
                    // It was in the backlog when the listener closed.
                }

                await connection.CloseAsync();
            }
        }

        var dialling = await client.InvokeAsync(() => Enumerable.Range(0, clients).Select(_ => DialAgainAndAgain()).ToArray()).Within();
        await Until.True(() => Volatile.Read(ref echoes) > clients);

        Volatile.Write(ref stop, value: true);
        await server.DisposeAsync().Within();

        var dials = (await Task.WhenAll(dialling).Within()).Sum();
        var counters = server.Counters;
        TestContext.Out.WriteLine($"{dials} dials, {echoes} echoes, {counters}");
        await Until.True(() => client.Counters.Connections == 0);
        Assert.That(listener.Active, Is.Zero);
        Assert.That(counters.Accepted, Is.GreaterThanOrEqualTo(echoes).And.LessThanOrEqualTo(client.Counters.Connected));
        Assert.That(counters.Drained + counters.Aborted, Is.LessThanOrEqualTo(counters.Accepted));
        Assert.That(log.Lines.Count(static line => line.Event.Id == 4), Is.LessThanOrEqualTo(1));
        Assert.That(log.Above(LogLevel.Warning), Is.Empty);
    }

    [Test]
    public async Task In_a_storm_of_its_own_dials_every_caller_has_one_outcome_and_the_counters_add_up()
    {
        const int dials = 2_000;
        using var log = new LogRecorder();
        await using var server = TestLoop.Start();
        await using var listener = await server.ListenAsync(Loopback.AnyPort, Handlers.Discard).Within();
        var loop = TestLoop.Start(connect: new ConnectOptions { MaxInFlight = 50 }, log: log);
        var dialling = Enumerable.Range(0, dials).Select(_ => loop.TryConnectAsync(listener.LocalEndPoint).AsTask()).ToArray();
        await Until.True(() => loop.Counters.Connected > 100);

        await loop.DisposeAsync().Within();

        var results = await Task.WhenAll(dialling).Within();
        var connected = results.Count(static result => result.Outcome == ConnectOutcome.Connected);
        var counters = loop.Counters;
        TestContext.Out.WriteLine($"{connected} connected, {counters}");
        Assert.That(results.Select(static result => result.Outcome), Is.All.AnyOf(ConnectOutcome.Connected, ConnectOutcome.Canceled));
        Assert.That((counters.Connected, counters.ConnectsCanceled), Is.EqualTo((connected, dials - connected)));
        Assert.That(counters.Drained + counters.Aborted, Is.EqualTo(connected), "Nobody had closed one.");
        await Until.True(() => listener.Active == 0);
    }

    private static void ExpectEnd(EventLoop loop, LogRecorder log, long drained, long aborted, long cancelled)
    {
        var counters = loop.Counters;
        Assert.That((counters.Drained, counters.Aborted, counters.ConnectsCanceled), Is.EqualTo((drained, aborted, cancelled)));
        var line = log.Lines.Single(static line => line.Event.Id == 4);
        Assert.That(line.Level, Is.EqualTo(LogLevel.Debug));
        Assert.That(line.Text, Is.EqualTo($"The loop has ended: {drained} connections drained and {aborted} aborted while it stopped, {cancelled} connects cancelled."));
    }
}
