using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A user's exception is reported, and the loop lives.</summary>
[TestFixture]
public sealed class ExceptionTests
{
    [Test]
    public async Task Of_posted_work()
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(log: log);

        loop.Post(static () => throw new InvalidDataException("posted"));
        await loop.InvokeAsync(static () => { }).Within();

        Expect(log, "posted");
    }

    [Test]
    public async Task Of_a_timer()
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(log: log);

        loop.StartTimer(TimeSpan.Zero, static () => throw new InvalidDataException("timer"));
        await loop.Settled();

        Expect(log, "timer");
        Assert.That(loop.Counters.Timers, Is.Zero);
    }

    [Test]
    public async Task Of_an_async_void_method_on_the_loop()
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(log: log);

        // The exception of an async void goes to its synchronization context: the loop's.
        loop.Post(static () => ThrowLater());
        await Until.True(() => log.Lines.Count > 0);

        Expect(log, "async void");
        await loop.InvokeAsync(static () => { }).Within();
    }

    [Test]
    public async Task Of_a_callback_of_Closed()
    {
        using var log = new LogRecorder();
        await using var wire = await Wire.Dial(log: log);
        await using var registration = wire.Connection.Closed.Register(static () => throw new InvalidDataException("closed"));

        wire.Peer.Reset();
        await Until.True(() => log.Lines.Any(static line => line.Level == LogLevel.Error));

        // CancellationTokenSource wraps what its callbacks throw.
        var line = log.Lines.Single(static line => line.Level == LogLevel.Error);
        Assert.That(line.Exception!.ToString(), Does.Contain("closed"));
        await wire.Loop.InvokeAsync(static () => { }).Within();
        Assert.That(wire.Connection.Closed.IsCancellationRequested, Is.True);
    }

    [Test]
    public async Task Of_the_first_of_many_posts_does_not_lose_the_others()
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(log: log);
        var ran = 0;
        for (var i = 0; i < 100; i++)
        {
            loop.Post(() =>
            {
                ran++;
                throw new InvalidDataException();
            });
        }

        await loop.InvokeAsync(static () => { }).Within();

        Assert.That(ran, Is.EqualTo(100));
        Assert.That(log.Lines, Has.Count.EqualTo(100));
    }

    [Test]
    public async Task Without_a_log_the_loop_lives_as_well()
    {
        await using var loop = TestLoop.Start();

        loop.Post(static () => throw new InvalidDataException());
        loop.StartTimer(TimeSpan.Zero, static () => throw new InvalidDataException());

        await loop.Settled();
    }

    [Test]
    public async Task A_wait_that_fails_is_told_and_does_not_end_the_loop()
    {
        using var log = new LogRecorder();
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel, log: log);
        var failures = 2;
        kernel.OnWait = (events, timeoutMs) => failures-- > 0
            ? -(int)(failures == 1 ? Errno.EINTR : Errno.EINVAL)
            : kernel.RealPoller!.Wait(events, timeoutMs);

        await loop.Settled();

        Assert.That(log.Lines.Select(static line => line.Text), Has.Exactly(1).Contains("EINVAL").And.None.Contains("EINTR"));
    }

    private static void Expect(LogRecorder log, string message)
    {
        var line = log.Lines.Single();
        Assert.That(line.Level, Is.EqualTo(LogLevel.Error));
        Assert.That(line.Exception, Is.InstanceOf<InvalidDataException>());
        Assert.That(line.Exception!.Message, Is.EqualTo(message));
    }

#pragma warning disable MA0155 // The test is about async void.
    private static async void ThrowLater()
    {
        await Task.Yield();
        throw new InvalidDataException("async void");
    }
#pragma warning restore MA0155
}
