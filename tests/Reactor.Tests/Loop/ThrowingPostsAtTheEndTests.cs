using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Posted work that throws while the loop ends or after it has ended is logged as ever; it does not take the process along.</summary>
[TestFixture]
public sealed class ThrowingPostsAtTheEndTests
{
    [Test]
    public async Task Thousands_that_are_queued_when_the_loop_ends_are_each_logged_once()
    {
        const int posts = 5_000;
        using var log = new LogRecorder();
        var loop = TestLoop.Start(log: log);
        using var release = new ManualResetEventSlim();
        loop.Post(() => release.Wait(Until.Limit));
        var ending = loop.DisposeAsync().AsTask();
        for (var i = 0; i < posts; i++)
        {
            loop.Post(() =>
            {
                // One that posts once more meets a queue that may be closed already.
                loop.SynchronizationContext.Post(static _ => { }, null);
                throw new InvalidDataException();
            });
        }

        release.Set();
        await ending.Within();

        await Until.True(() => log.Lines.Count >= posts);
        Assert.That(log.Lines, Has.Count.EqualTo(posts).And.All.Matches<LogLine>(static line => line is { Level: LogLevel.Error, Exception: InvalidDataException }));
    }

    [Test]
    public async Task What_is_posted_after_the_end_is_logged_as_well()
    {
        using var log = new LogRecorder();
        var loop = TestLoop.Start(log: log);
        await loop.DisposeAsync().Within();

        loop.SynchronizationContext.Post(static _ => throw new InvalidDataException("late"), null);

        await Until.True(() => log.Lines.Count > 0);
        Assert.That(log.Lines.Single().Exception!.Message, Is.EqualTo("late"));
    }
}
