using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The time that a connect may take.</summary>
[TestFixture]
public sealed class ConnectTimeoutTests
{
    [Test]
    public async Task A_connect_that_hangs_ends_at_its_timeout_and_leaves_nothing()
    {
        var timeout = TimeSpan.FromMilliseconds(150);
        await using var loop = TestLoop.Start(connect: new ConnectOptions { ConnectTimeout = timeout });
        using var hanging = Loopback.Hanging();
        var sockets = Descriptors.Sockets();

        var result = await loop.TryConnectAsync(hanging.EndPoint).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.TimedOut));
            Assert.That(result.Errno, Is.EqualTo(Errno.None), "It was our clock, not the kernel's ETIMEDOUT.");
            Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(timeout));
            Assert.That(result.EndPoint, Is.EqualTo(hanging.EndPoint));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That(loop.Counters.Registrations, Is.Zero);
            Assert.That(loop.Counters.Timers, Is.Zero);
        }
    }

    [Test]
    public async Task Its_exception_says_how_long_it_waited()
    {
        await using var loop = TestLoop.Start(connect: new ConnectOptions { ConnectTimeout = TimeSpan.FromMilliseconds(50) });
        using var hanging = Loopback.Hanging();

        var error = await Assert.ThrowsAsync<ConnectException>(async () => await loop.ConnectAsync(hanging.EndPoint).Within());

        Assert.That(error!.Outcome, Is.EqualTo(ConnectOutcome.TimedOut));
        Assert.That(error.SocketErrorCode, Is.EqualTo(System.Net.Sockets.SocketError.TimedOut));
        Assert.That(error.Message, Does.Contain($"{hanging.EndPoint}"));
    }

    [TestCase(-1_0000L)]
    [TestCase(long.MinValue)]
    [TestCase(-2_0000L)]
    public void A_negative_timeout_is_refused_when_it_is_set(long ticks)
    {
        var timeout = TimeSpan.FromTicks(ticks);
        if (timeout == Timeout.InfiniteTimeSpan)
            Assert.That(new ConnectOptions { ConnectTimeout = timeout }.ConnectTimeout, Is.EqualTo(timeout));
        else
            Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ConnectOptions { ConnectTimeout = timeout });
    }

    [Test]
    public void A_timeout_of_zero_is_refused_when_it_is_set() =>
        Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ConnectOptions { ConnectTimeout = TimeSpan.Zero });

    public static readonly TimeSpan[] Endless = [TimeSpan.MaxValue, Timeout.InfiniteTimeSpan, TimeSpan.FromDays(1_000_000)];

    [TestCaseSource(nameof(Endless))]
    public async Task A_huge_timeout_neither_overflows_nor_ends_at_once(TimeSpan timeout)
    {
        await using var loop = TestLoop.Start(connect: new ConnectOptions { ConnectTimeout = timeout });
        using var hanging = Loopback.Hanging();

        var connecting = loop.TryConnectAsync(hanging.EndPoint).AsTask();
        await loop.After(TimeSpan.FromMilliseconds(100));
        Assert.That(connecting.IsCompleted, Is.False);

        hanging.Open();
        var result = await connecting.Within();
        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task The_smallest_timeout_ends_a_hanging_connect_once()
    {
        await using var loop = TestLoop.Start(connect: new ConnectOptions { ConnectTimeout = TimeSpan.FromTicks(1) });
        using var hanging = Loopback.Hanging();

        var results = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => loop.TryConnectAsync(hanging.EndPoint).AsTask())).Within();

        Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(ConnectOutcome.TimedOut));
    }

    [Test]
    public async Task A_late_deadline_does_not_touch_the_live_connection()
    {
        await using var loop = TestLoop.Start(connect: new ConnectOptions { ConnectTimeout = TimeSpan.FromMilliseconds(200) });
        using var listener = RawListener.Start();
        var result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();
        if (result.Outcome == ConnectOutcome.TimedOut)
            Assert.Ignore("This machine is too busy to connect to itself in 200 ms.");
        await using var connection = result.Connection!;
        using var peer = listener.Accept();
        Assert.That(loop.Counters.Timers, Is.Zero, "The deadline went with the connect.");

        await loop.After(TimeSpan.FromMilliseconds(300));

        peer.Send("alive");
        var read = await connection.Input.ReadAtLeastAsync(5).Within();
        Assert.That(read.Buffer.Length, Is.EqualTo(5));
        Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.None));
        connection.Input.AdvanceTo(read.Buffer.End);
    }

    [Test]
    public async Task Deadlines_of_many_connects_each_fire_once()
    {
        await using var loop = TestLoop.Start(connect: new ConnectOptions { ConnectTimeout = TimeSpan.FromMilliseconds(100) });
        using var hanging = Loopback.Hanging();
        var sockets = Descriptors.Sockets();

        var results = await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => loop.TryConnectAsync(hanging.EndPoint).AsTask())).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(ConnectOutcome.TimedOut));
            Assert.That(results.Select(static result => result.Elapsed), Is.All.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(100)));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That(loop.Counters.Timers, Is.Zero);
        }
    }
}
