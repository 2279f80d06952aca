using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Thousands of connects in one process.</summary>
[TestFixture]
public sealed class ConnectStormTests
{
    private const int Storm = 9_000;

    [Test]
    public async Task Nine_thousand_connections_at_once_complete_echo_and_leave_not_one_descriptor()
    {
        KqueueLibrary.RequireRoomForThousands();
        // Both ends are in this process.
        DescriptorLimit.NeedOrSkip((2 * Storm) + 500);
        var before = Descriptors.All();
        await using (var server = TestLoop.Start())
        await using (var client = TestLoop.Start(connect: new ConnectOptions { ConnectTimeout = TimeSpan.FromMinutes(1) }))
        {
            await using var listener = await server.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();

            var results = await Task.WhenAll(Enumerable.Range(0, Storm).Select(_ => client.TryConnectAsync(listener.LocalEndPoint).AsTask())).WaitAsync(TimeSpan.FromMinutes(2));

            Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(ConnectOutcome.Connected));
            await Until.True(() => server.Counters.Connections == Storm);
            Assert.That(client.Counters.Connections, Is.EqualTo(Storm));
            Assert.That(client.Counters.Connected, Is.EqualTo(Storm));
            Assert.That(client.Counters.Timers, Is.Zero, "No deadline outlives its connect.");
            Assert.That(server.Counters.RentedBuffers, Is.Zero, "An idle connection holds no buffer.");

            await client.InvokeAsync(() => Task.WhenAll(results.Select(static async result =>
            {
                var connection = result.Connection!;
                await connection.Output.WriteAsync("hello"u8.ToArray());
                var read = await connection.Input.ReadAtLeastAsync(5);
                Assert.That(read.Buffer.Length, Is.EqualTo(5));
                connection.Input.AdvanceTo(read.Buffer.End);
            }))).WaitAsync(TimeSpan.FromMinutes(2));
            await client.InvokeAsync(() => Task.WhenAll(results.Select(static result => result.Connection!.CloseAsync().AsTask()))).WaitAsync(TimeSpan.FromMinutes(1));

            await Until.True(() => server.Counters.Connections == 0);
            Assert.That(listener.Accepted, Is.EqualTo(Storm));
            Assert.That(client.Counters.Registrations, Is.Zero);
            Assert.That(server.Counters.Registrations, Is.EqualTo(1), "The listener.");
        }

        await Until.True(() => Descriptors.OfNetwork().IsSubsetOf(before));
    }

    [Test]
    public async Task Ten_thousand_refused_connects_leave_nothing()
    {
        KqueueLibrary.RequireRoomForThousands();
        await using var loop = TestLoop.Start(connect: new ConnectOptions { MaxInFlight = 500 });
        using var refusing = Loopback.Refusing();
        var before = Descriptors.OfNetwork();

        var results = await loop.InvokeAsync(() => Task.WhenAll(Enumerable.Range(0, 10_000).Select(_ => loop.TryConnectAsync(refusing.EndPoint).AsTask()))).WaitAsync(TimeSpan.FromMinutes(2));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(ConnectOutcome.Refused));
            Assert.That(Descriptors.OfNetwork(), Is.EquivalentTo(before));
            Assert.That(loop.Counters.Registrations, Is.Zero);
            Assert.That(loop.Counters.Timers, Is.Zero);
            Assert.That(loop.Counters.RentedBuffers, Is.Zero);
        }
    }

    [Test]
    public async Task A_storm_against_a_backlog_of_one_gets_through_by_retransmission_or_ends_in_time()
    {
        KqueueLibrary.RequireRoomForThousands();
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Discard, new ListenOptions { Backlog = 1 }).Within();

        var results = await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => loop.TryConnectAsync(listener.LocalEndPoint).AsTask())).WaitAsync(TimeSpan.FromMinutes(1));

        Assert.That(results.Select(static result => result.Outcome), Is.All.AnyOf(ConnectOutcome.Connected, ConnectOutcome.TimedOut));
        Assert.That(results.Count(static result => result.IsConnected), Is.GreaterThan(0));
        await CloseAll(results);
    }

    [Test]
    public async Task A_storm_against_one_that_accepts_and_resets_gives_every_caller_one_outcome()
    {
        KqueueLibrary.RequireRoomForThousands();
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start(backlog: 512);
        var resetting = Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < 500; i++)
                    listener.Accept().Reset();
            },
            TaskCreationOptions.LongRunning);

        var results = await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => loop.TryConnectAsync(listener.LocalEndPoint).AsTask())).Within();
        await resetting.Within();

        // A reset may be faster than our look at SO_ERROR; then the connect itself has failed.
        Assert.That(results.Select(static result => result.Outcome), Is.All.AnyOf(ConnectOutcome.Connected, ConnectOutcome.Failed, ConnectOutcome.Refused));
        foreach (var result in results.Where(static result => result.IsConnected))
            await Until.Canceled(result.Connection!.Closed);
        await Until.True(() => loop.Counters.Registrations == 0);
        Assert.That(results.Where(static result => result.IsConnected).Select(static result => result.Connection!.CloseReason), Is.All.EqualTo(CloseReason.Reset));
        await CloseAll(results);
    }

    [Test]
    public async Task A_storm_against_one_that_dies_midway_gives_every_caller_one_outcome()
    {
        KqueueLibrary.RequireRoomForThousands();
        await using var loop = TestLoop.Start(connect: new ConnectOptions { MaxInFlight = 50 });
        using var listener = RawListener.Start(backlog: 2_000);

        var connecting = Enumerable.Range(0, 1_000).Select(_ => loop.TryConnectAsync(listener.LocalEndPoint).AsTask()).ToArray();
        await Until.True(() => loop.Counters.Connected > 200);
        listener.Dispose();
        var results = await Task.WhenAll(connecting).Within();

        Assert.That(results.Select(static result => result.Outcome), Is.All.AnyOf(ConnectOutcome.Connected, ConnectOutcome.Refused, ConnectOutcome.Failed));
        Assert.That(loop.Counters.Timers, Is.Zero);
        await CloseAll(results);
    }

    [Test]
    public async Task Dispose_while_connects_are_pending_and_queued_gives_every_caller_one_outcome()
    {
        var loop = TestLoop.Start();
        using var hanging = Loopback.Hanging();
        var connector = new Connector(loop, new ConnectOptions { MaxInFlight = 100 });
        var connecting = Enumerable.Range(0, 300).Select(_ => connector.TryConnectAsync(hanging.EndPoint).AsTask()).ToArray();
        await Until.True(() => connector.InFlight == 100 && connector.Queued == 200);

        await loop.DisposeAsync().Within();

        var results = await Task.WhenAll(connecting.Select(static async task =>
        {
            try
            {
                return (await task.Within()).Outcome.ToString();
            }
            catch (ObjectDisposedException)
            {
                return nameof(ConnectOutcome.Canceled);
            }
        })).Within();
        Assert.That(results, Is.All.EqualTo(nameof(ConnectOutcome.Canceled)));
        Assert.That((connector.InFlight, connector.Queued), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Dispose_in_the_middle_of_a_storm_from_many_threads_leaves_nobody_waiting()
    {
        var loop = TestLoop.Start(shutdownTimeout: TimeSpan.FromMilliseconds(200));
        using var listener = RawListener.Start(backlog: 4_096);
        var outcomes = 0;
        var dialling = Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 200; i++)
            {
                try
                {
                    var result = await loop.TryConnectAsync(listener.LocalEndPoint);
                    Interlocked.Increment(ref outcomes);
                    if (result.Connection is { } connection)
                        connection.Abort();
                }
                catch (ObjectDisposedException)
                {
                    Interlocked.Increment(ref outcomes);
                }
            }
        })).ToArray();
        await Until.True(() => Volatile.Read(ref outcomes) > 100);

        await loop.DisposeAsync().Within();
        await Task.WhenAll(dialling).Within();

        Assert.That(outcomes, Is.EqualTo(8 * 200));
    }

    private static async Task CloseAll(IEnumerable<ConnectResult> results)
    {
        foreach (var result in results)
        {
            if (result.Connection is { } connection)
                await connection.CloseAsync().Within();
        }
    }
}
