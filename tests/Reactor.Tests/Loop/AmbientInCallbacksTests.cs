using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>AsyncLocals in what is called back without an await: they flow in as they do with the framework's own classes, and never out.</summary>
[TestFixture]
public sealed class AmbientInCallbacksTests
{
    private static readonly AsyncLocal<string?> Ambient = new();

    private static readonly (string? Handler, string? Timer) _nothing = (null, null);

    [TearDown]
    public void Forget() => Ambient.Value = null;

    [Test]
    public async Task A_timer_s_callback_has_those_of_who_started_it_as_one_of_the_framework_s_timers()
    {
        await using var loop = TestLoop.Start();
        var seen = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        Ambient.Value = "starter";
        using var timer = loop.StartTimer(TimeSpan.FromMilliseconds(1), () => seen.SetResult(Ambient.Value));
        Ambient.Value = null;

        Assert.That(await seen.Task.Within(), Is.EqualTo("starter"));
    }

    [Test]
    public async Task What_a_timer_s_callback_sets_is_gone_when_it_returns()
    {
        await using var loop = TestLoop.Start();
        var fired = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var first = loop.StartTimer(TimeSpan.Zero, () =>
        {
            Ambient.Value = "the timer's";
            fired.SetResult();
        });
        await fired.Task.Within();

        Assert.That(await SeenByTheNext(loop), Is.EqualTo(_nothing));
    }

    [Test]
    public async Task What_a_handler_sets_that_is_not_async_is_gone_when_it_returns()
    {
        await using var loop = TestLoop.Start();
        var done = new TaskCompletionSource();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, _ =>
        {
            Ambient.Value = "the handler's";
            return done.Task;
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Accepted == 1);

        Assert.That(await SeenByTheNext(loop), Is.EqualTo(_nothing));
        done.SetResult();
    }

    [Test]
    public async Task What_posted_work_sets_is_gone_when_it_returns()
    {
        await using var loop = TestLoop.Start();
        using (ExecutionContext.SuppressFlow())
            loop.Post(static () => Ambient.Value = "the post's");

        Assert.That(await SeenByTheNext(loop), Is.EqualTo(_nothing));
    }

    /// <summary>What a handler and a timer find that come after it; who asks has nothing ambient.</summary>
    private static async Task<(string? Handler, string? Timer)> SeenByTheNext(EventLoop loop)
    {
        var handler = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, _ =>
        {
            handler.SetResult(Ambient.Value);
            return Task.CompletedTask;
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        var seenByHandler = await handler.Task.Within();

        var timer = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var next = loop.StartTimer(TimeSpan.Zero, () => timer.SetResult(Ambient.Value));
        return (seenByHandler, await timer.Task.Within());
    }
}
