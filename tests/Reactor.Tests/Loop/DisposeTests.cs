using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>How a loop ends. That no thread, descriptor or buffer is left the leak check asserts after each test.</summary>
[TestFixture]
public sealed class DisposeTests
{
    [Test]
    public async Task An_idle_loop_ends_and_a_second_dispose_is_nothing()
    {
        var loop = TestLoop.Start();

        await loop.DisposeAsync().Within();
        await loop.DisposeAsync().Within();
    }

    [Test]
    public async Task Disposed_by_many_threads_at_once_all_wait_for_the_same_end()
    {
        var loop = TestLoop.Start();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            await loop.DisposeAsync();
            Assert.That(() => loop.Post(static () => { }), Throws.InstanceOf<ObjectDisposedException>());
        }))).Within();
    }

    [Test]
    public async Task Disposed_from_the_loop_itself_it_ends()
    {
        var loop = TestLoop.Start();

        loop.Post(() => _ = loop.DisposeAsync().AsTask());

        await loop.DisposeAsync().Within();
    }

    [Test]
    public async Task Awaited_on_the_loop_itself_it_ends()
    {
        var loop = TestLoop.Start();

        await loop.InvokeAsync(async () => await loop.DisposeAsync()).Within();
    }

    [Test]
    public async Task Disposed_from_a_handler_that_waits_for_it_the_grace_ends_it()
    {
        var loop = TestLoop.Start(shutdownTimeout: TimeSpan.FromMilliseconds(100));
        var listener = await loop.ListenAsync(Loopback.AnyPort, async _ => await loop.DisposeAsync()).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        peer.EndsInOrder();

        await loop.DisposeAsync().Within();
    }

    [Test]
    public async Task Afterwards_each_call_throws_ObjectDisposedException()
    {
        var loop = TestLoop.Start(shutdownTimeout: TimeSpan.FromMilliseconds(50));
        using var raw = RawListener.Start();
        var connection = await loop.ConnectAsync(raw.LocalEndPoint).Within();
        var connector = new Connector(loop);
        var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        var timer = loop.StartTimer(TimeSpan.FromHours(1), static () => { });
        await loop.DisposeAsync().Within();

        Assert.That(() => loop.Post(static () => { }), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => loop.Post(static _ => { }, null), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => loop.StartTimer(TimeSpan.Zero, static () => { }), Throws.InstanceOf<ObjectDisposedException>());
        await Assert.CatchAsync<ObjectDisposedException>(async () => await loop.InvokeAsync(static () => { }).Within());
        await Assert.CatchAsync<ObjectDisposedException>(async () => await loop.InvokeAsync(static async () => await Task.Yield()).Within());
        await Assert.CatchAsync<ObjectDisposedException>(async () => await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within());
        await Assert.CatchAsync<ObjectDisposedException>(async () => await loop.ConnectAsync(raw.LocalEndPoint).Within());
        await Assert.CatchAsync<ObjectDisposedException>(async () => await loop.TryConnectAsync(raw.LocalEndPoint).Within());
        await Assert.CatchAsync<ObjectDisposedException>(async () => await connector.TryConnectAsync("localhost", raw.Port).Within());

        // What is to let go of something lets go of it in silence.
        timer.Cancel();
        timer.Dispose();
        await listener.DisposeAsync();
        await connection.CloseAsync().Within();
        connection.Abort();
        connection.ShutdownSend();
        Assert.That(listener.Completion.IsCompletedSuccessfully, Is.True);
        Assert.That(connection.CloseReason, Is.Not.EqualTo(CloseReason.None));
        Assert.That(connection.Closed.IsCancellationRequested, Is.True);
        Assert.That(loop.IsOnLoop, Is.False);
        Assert.That(loop.Counters.Connected, Is.EqualTo(1));
    }

    [Test]
    public async Task Reads_and_writes_of_a_connection_whose_loop_has_ended_fail_and_do_not_hang()
    {
        var loop = TestLoop.Start(shutdownTimeout: TimeSpan.FromMilliseconds(50));
        using var raw = RawListener.Start();
        var connection = await loop.ConnectAsync(raw.LocalEndPoint).Within();
        using var peer = raw.Accept();
        await loop.DisposeAsync().Within();

        await Assert.CatchAsync(async () =>
        {
            await connection.Output.WriteAsync("late"u8.ToArray()).Within();
        });
        try
        {
            var read = await connection.Input.ReadAsync().Within();
            Assert.That(read.IsCompleted, Is.True);
        }
        catch (Exception exception) when (exception is ConnectionException or ObjectDisposedException or InvalidOperationException)
        {
            // Told either way.
        }
    }

    [Test]
    public async Task Handlers_see_the_end_of_their_input_and_finish_their_answer()
    {
        var loop = TestLoop.Start();
        var served = new List<Connection>();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            served.Add(connection);
            while (true)
            {
                var read = await connection.Input.ReadAsync();
                connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    break;
            }

            await connection.Output.WriteAsync("goodbye"u8.ToArray());
        }).Within();
        var peers = Enumerable.Range(0, 20).Select(_ => RawPeer.Dial(listener.LocalEndPoint)).ToArray();
        await Until.True(() => listener.Active == 20);

        var ending = loop.DisposeAsync().AsTask();

        foreach (var peer in peers)
        {
            Assert.That(System.Text.Encoding.Latin1.GetString(peer.ReadToEnd()), Is.EqualTo("goodbye"));
            peer.Dispose();
        }

        await ending.Within();
        Assert.That(served.Select(static connection => connection.CloseReason), Is.All.EqualTo(CloseReason.LoopStopped));
    }

    [Test]
    public async Task Bytes_that_had_arrived_before_are_read_before_the_end()
    {
        var loop = TestLoop.Start();
        var got = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            await Until.True(() => loop.Counters.Turns > 0);
            var total = 0L;
            while (true)
            {
                var read = await connection.Input.ReadAsync();
                total += read.Buffer.Length;
                connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    break;
            }

            got.SetResult(total);
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Active == 1);
        using var release = new ManualResetEventSlim();
        loop.Post(() => release.Wait(Until.Limit));
        peer.Send(new byte[100_000]);
        var ending = loop.DisposeAsync().AsTask();
        release.Set();

        Assert.That(await got.Task.Within(), Is.EqualTo(100_000));
        await ending.Within();
    }

    [Test]
    public async Task Handlers_that_do_not_end_are_aborted_after_the_grace()
    {
        using var log = new LogRecorder();
        var loop = TestLoop.Start(log: log, shutdownTimeout: TimeSpan.FromMilliseconds(100));
        var never = new TaskCompletionSource();
        var reasons = new List<Connection>();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, connection =>
        {
            reasons.Add(connection);
            return never.Task;
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Active == 1);

        await loop.DisposeAsync().Within();

        Assert.That(peer.EndsInOrder(), Is.False, "It was reset.");
        Assert.That(reasons.Single().CloseReason, Is.EqualTo(CloseReason.LoopStopped));
        Assert.That(log.Lines.Any(static line => line.Level == Microsoft.Extensions.Logging.LogLevel.Warning), Is.True);
        never.SetResult();
    }

    [Test]
    public async Task Handlers_that_wait_for_their_peer_s_room_are_aborted_after_the_grace_and_told()
    {
        var loop = TestLoop.Start(shutdownTimeout: TimeSpan.FromMilliseconds(100));
        var told = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            try
            {
                await connection.Output.WriteAsync(new byte[50_000_000]);
            }
            catch (Exception exception)
            {
                told.SetResult(exception);
                throw;
            }
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint, receiveBuffer: 4 * 1024);
        await Until.True(() => loop.Counters.BytesSent > 0);

        await loop.DisposeAsync().Within();

        Assert.That(await told.Task.Within(), Is.InstanceOf<ConnectionAbortedException>());
    }

    [Test]
    public async Task A_close_that_waits_for_a_stalled_peer_ends_with_the_loop()
    {
        var loop = TestLoop.Start(connect: new ConnectOptions { SendHighWatermark = 64 * 1024 * 1024, CloseTimeout = Timeout.InfiniteTimeSpan }, shutdownTimeout: TimeSpan.FromMilliseconds(100));
        using var raw = RawListener.Start(receiveBuffer: 4 * 1024);
        var connection = await loop.ConnectAsync(raw.LocalEndPoint).Within();
        using var peer = raw.Accept();
        await connection.Output.WriteAsync(new byte[20_000_000]).Within();
        var closing = connection.CloseAsync().AsTask();
        await loop.Settled();
        Assert.That(closing.IsCompleted, Is.False);

        await loop.DisposeAsync().Within();

        await closing.Within();
        Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.LoopStopped));
    }

    [Test]
    public async Task A_dialled_connection_that_nobody_closes_does_not_outlive_the_loop()
    {
        var loop = TestLoop.Start(shutdownTimeout: TimeSpan.FromMilliseconds(100));
        using var raw = RawListener.Start();
        var connection = await loop.ConnectAsync(raw.LocalEndPoint).Within();
        using var peer = raw.Accept();
        var reading = connection.Input.ReadAsync().AsTask();

        await loop.DisposeAsync().Within();

        Assert.That(connection.CloseReason, Is.Not.EqualTo(CloseReason.None));
        try
        {
            Assert.That((await reading.Within()).IsCompleted, Is.True);
        }
        catch (ConnectionException)
        {
            // Told either way.
        }

        peer.EndsInOrder();
    }

    [Test]
    public async Task Disposed_during_a_storm_of_echoes_every_peer_sees_an_end()
    {
        var loop = TestLoop.Start(shutdownTimeout: TimeSpan.FromMilliseconds(300));
        var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        var echoing = Enumerable.Range(0, 16).Select(_ => Task.Factory.StartNew(
            () =>
            {
                using var peer = RawPeer.Dial(listener.LocalEndPoint);
                try
                {
                    while (true)
                    {
                        peer.Send("hello");
                        peer.ReadExactly(5);
                    }
                }
                catch (Exception end) when (end is IOException or System.Net.Sockets.SocketException)
                {
                    return;
                }
            },
            TaskCreationOptions.LongRunning)).ToArray();
        await Until.True(() => loop.Counters.BytesReceived > 10_000);

        await loop.DisposeAsync().Within();

        await Task.WhenAll(echoing).Within();
    }

    [Test]
    public async Task Work_posted_before_is_done_and_awaiters_go_on_after_the_end()
    {
        var loop = TestLoop.Start();
        var foreign = new TaskCompletionSource();
        var wentOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiting = loop.InvokeAsync(async () =>
        {
            await foreign.Task;
            wentOn.SetResult();
        });
        var ran = 0;
        for (var i = 0; i < 10_000; i++)
            loop.Post(() => Interlocked.Increment(ref ran));

        await loop.DisposeAsync().Within();

        Assert.That(ran, Is.EqualTo(10_000));
        foreign.SetResult();
        await wentOn.Task.Within();
        await waiting.Within();
    }

    [Test]
    public async Task Posts_from_many_threads_during_the_end_run_or_throw_and_none_is_lost()
    {
        for (var round = 0; round < 5; round++)
        {
            var loop = TestLoop.Start(shutdownTimeout: TimeSpan.FromMilliseconds(100));
            var accepted = 0;
            var ran = 0;
            using var started = new CountdownEvent(2);
            var posting = Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    started.Signal();
                    try
                    {
                        while (true)
                        {
                            loop.Post(() => Interlocked.Increment(ref ran));

                            // Faster than the loop can take them, the queue and its end would be far away.
                            if (Interlocked.Increment(ref accepted) - Volatile.Read(ref ran) > 1_000)
                                Thread.Yield();
                        }
                    }
                    catch (ObjectDisposedException)
                    {
                        return;
                    }
                },
                TaskCreationOptions.LongRunning)).ToArray();
            started.Wait(Until.Limit);

            await loop.DisposeAsync().Within();
            await Task.WhenAll(posting).Within();

            await Until.True(() => Volatile.Read(ref ran) == Volatile.Read(ref accepted));
        }
    }

    [Test]
    public async Task A_hundred_loops_come_and_go()
    {
        for (var i = 0; i < 100; i++)
        {
            await using var loop = TestLoop.Start();
            await loop.InvokeAsync(static () => { }).Within();
        }
    }

    [Test]
    public async Task A_negative_grace_and_an_empty_batch_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new EventLoopOptions { ShutdownTimeout = TimeSpan.FromTicks(-1) });
        Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new EventLoopOptions { EventsPerTurn = 0 });

        // No grace at all is a wish that can be granted.
        var loop = TestLoop.Start(shutdownTimeout: TimeSpan.Zero);
        await loop.DisposeAsync().Within();
    }
}
