using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The token that tells a handler that its loop stops.</summary>
[TestFixture]
public sealed class StoppingTokenTests
{
    [Test]
    public async Task It_is_cancelled_on_the_loop_and_ends_a_handler_that_waits_for_something_else()
    {
        await using var loop = TestLoop.Start();
        var onLoop = new TaskCompletionSource<bool>();
        var serving = new TaskCompletionSource();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            using var registration = connection.Loop.Stopping.UnsafeRegister(_ => onLoop.SetResult(connection.Loop.IsOnLoop), null);
            serving.SetResult();
            await Task.Delay(Timeout.Infinite, connection.Loop.Stopping).ContinueWith(static _ => { }, TaskScheduler.Default);
        });
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        await serving.Task.Within();

        await loop.DisposeAsync().AsTask().Within();

        Assert.That(await onLoop.Task.Within(), Is.True);
        Assert.That((loop.Counters.Drained, loop.Counters.Aborted), Is.EqualTo((1, 0)));
    }

    [Test]
    public async Task A_callback_that_throws_is_logged_and_the_loop_stops_all_the_same()
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(log: log);
        using var registration = loop.Stopping.UnsafeRegister(static _ => throw new InvalidDataException("mine"), null);

        await loop.DisposeAsync().AsTask().Within();

        Assert.That(log.Lines, Has.One.Matches<LogLine>(static line => line is { Level: LogLevel.Error, Exception: AggregateException }));
    }
}
