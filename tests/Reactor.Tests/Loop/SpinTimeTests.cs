using System.Diagnostics;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A loop that may spin before it sleeps: it does while things come close together, and sleeps when they do not.</summary>
[TestFixture]
public sealed class SpinTimeTests
{
    // So long that a machine that is busy with other things does not end a spin before the test has done its part.
    private static readonly TimeSpan _long = TimeSpan.FromSeconds(1);

    [Test]
    public async Task An_idle_loop_sleeps()
    {
        var waits = new Waits();
        await using var loop = Start(waits.Kernel, TimeSpan.FromMilliseconds(1));
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        for (var i = 0; i < 100; i++) Echo(peer);

        await Until.True(() => waits.IsAsleepForGood);
    }

    [Test]
    public async Task While_things_come_close_together_it_does_not_sleep()
    {
        var waits = new Waits();
        await using var loop = Start(waits.Kernel, _long);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        Echo(peer);
        var (sleeps, looks) = (waits.Sleeps, waits.Looks);

        for (var i = 0; i < 100; i++) Echo(peer);

        Assert.That(waits.Sleeps - sleeps, Is.LessThan(5));
        Assert.That(waits.Looks - looks, Is.GreaterThanOrEqualTo(100));
    }

    [Test]
    public async Task What_is_posted_and_what_is_due_ends_a_spin()
    {
        await using var loop = Start(new ScriptedKernel(), _long);
        await loop.InvokeAsync(static () => { }).Within();

        // Each that had to wait for the end of a spin would take a second.
        var since = Stopwatch.GetTimestamp();
        for (var i = 0; i < 100; i++) await loop.InvokeAsync(static () => { }).Within();
        Assert.That(Stopwatch.GetElapsedTime(since), Is.LessThan(100 * _long / 2));

        since = Stopwatch.GetTimestamp();
        for (var i = 0; i < 30; i++) await loop.After(TimeSpan.FromMilliseconds(5));
        Assert.That(Stopwatch.GetElapsedTime(since), Is.LessThan(30 * _long / 2));
    }

    [TestCase(-1)]
    [TestCase(1_001)]
    public void A_time_out_of_range_is_refused(int milliseconds) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new EventLoopOptions { SpinTime = TimeSpan.FromMilliseconds(milliseconds) });

    private static EventLoop Start(ScriptedKernel kernel, TimeSpan spinTime) => EventLoop.Start(TestLoop.Options(kernel) with { SpinTime = spinTime });

    private static void Echo(RawPeer peer)
    {
        peer.Send("x");
        Assert.That(peer.ReadText(1), Is.EqualTo("x"));
    }

    /// <summary>Counts how the loop waits.</summary>
    private sealed class Waits
    {
        private int _sleeps;
        private int _looks;
        private int _timeoutMs;

        public Waits() => Kernel.OnWait = (events, timeoutMs) =>
        {
            Interlocked.Increment(ref timeoutMs == 0 ? ref _looks : ref _sleeps);
            Volatile.Write(ref _timeoutMs, timeoutMs);
            return Kernel.RealPoller!.Wait(events, timeoutMs);
        };

        public ScriptedKernel Kernel { get; } = new();

        public int Sleeps => Volatile.Read(ref _sleeps);

        public int Looks => Volatile.Read(ref _looks);

        /// <summary>Whether it waits without a limit, or has begun to.</summary>
        public bool IsAsleepForGood => Volatile.Read(ref _timeoutMs) < 0;
    }
}
