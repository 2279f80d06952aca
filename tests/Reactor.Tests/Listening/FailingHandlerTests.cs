using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A handler that throws at once, later, or never ends harms its own connection only.</summary>
[TestFixture]
public sealed class FailingHandlerTests
{
    [TestCase(false)]
    [TestCase(true)]
    public async Task One_that_throws_is_logged_once_and_its_connection_closed(bool later)
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(log: log);
        Connection? failed = null;
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            failed = connection;
            if (later)
                connection.Input.AdvanceTo((await connection.Input.ReadAsync()).Buffer.End);
            throw new InvalidDataException("handler's own");
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        if (later)
            peer.Send("x");

        peer.EndsInOrder();

        await Until.True(() => loop.Counters.Connections == 0);
        Assert.That(failed!.CloseReason, Is.EqualTo(CloseReason.HandlerFailed));
        var line = log.Lines.Single(static line => line.Level >= LogLevel.Warning);
        Assert.That(line.Exception, Is.InstanceOf<InvalidDataException>());
        Assert.That(line.Text, Does.Contain($"{failed.Id}").And.Contain($"{peer.LocalEndPoint}"));
    }

    [Test]
    public async Task One_that_throws_without_being_async_at_all_is_treated_the_same()
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, static _ => throw new InvalidDataException("synchronously")).Within();
        for (var i = 0; i < 3; i++)
        {
            using var peer = RawPeer.Dial(listener.LocalEndPoint);
            peer.EndsInOrder();
        }

        await Until.True(() => loop.Counters.Connections == 0);
        Assert.That(log.Lines.Count(static line => line.Exception is InvalidDataException), Is.EqualTo(3));
        Assert.That(listener.Completion.IsCompleted, Is.False);
    }

    private static Task? NoTask { get; }

    [Test]
    public async Task One_that_gives_no_task_is_treated_as_one_that_failed()
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, static _ => NoTask!).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        peer.EndsInOrder();

        await Until.True(() => loop.Counters.Connections == 0);
        Assert.That(listener.Completion.IsCompleted, Is.False);
    }

    [Test]
    public async Task One_that_failed_does_not_lose_what_it_had_flushed()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, static async connection =>
        {
            await connection.Output.WriteAsync("error: no such thing"u8.ToArray());
            throw new InvalidDataException("after an answer");
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        Assert.That(peer.ReadText(20), Is.EqualTo("error: no such thing"));
    }

    [Test]
    public async Task One_that_never_ends_does_not_disturb_the_others()
    {
        await using var loop = TestLoop.Start(shutdownTimeout: TimeSpan.FromMilliseconds(100));
        var never = new TaskCompletionSource();
        var first = true;
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, connection =>
        {
            if (!first)
                return Handlers.Echo(connection);
            first = false;
            return never.Task;
        }).Within();
        using var stuck = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Accepted == 1);
        for (var i = 0; i < 20; i++)
        {
            using var peer = RawPeer.Dial(listener.LocalEndPoint);
            peer.Send("x");
            Assert.That(peer.ReadText(1), Is.EqualTo("x"));
        }

        Assert.That(listener.Active, Is.GreaterThanOrEqualTo(1));
    }

    [Test]
    public async Task A_reset_that_ends_a_handler_is_no_error_in_the_log()
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        for (var i = 0; i < 20; i++)
        {
            var peer = RawPeer.Dial(listener.LocalEndPoint);
            peer.Send("x");
            peer.Reset();
        }

        await Until.True(() => listener.Accepted == 20 && loop.Counters.Connections == 0);
        Assert.That(log.Above(LogLevel.Debug), Is.Empty);
    }

    [Test]
    public async Task A_handler_that_watches_Closed_and_throws_its_cancellation_is_no_error_in_the_log()
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, static connection => Task.Delay(Timeout.Infinite, connection.Closed)).Within();
        var peer = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Active == 1);

        peer.Reset();

        await Until.True(() => listener.Active == 0);
        await loop.Settled();
        Assert.That(log.Above(LogLevel.Debug), Is.Empty);
    }
}
