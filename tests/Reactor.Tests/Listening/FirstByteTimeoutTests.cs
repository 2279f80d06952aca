using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A client that connects and says nothing is sent away after <see cref="ListenOptions.FirstByteTimeout"/>.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class FirstByteTimeoutTests
{
    private static readonly ListenOptions Impatient = new() { FirstByteTimeout = TimeSpan.FromSeconds(10) };

    private readonly ScriptedKernel _kernel = new();
    private readonly List<Connection> _served = [];

    [Test]
    public async Task A_silent_client_is_reset_and_its_handler_told()
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(_kernel, log: log);
        var told = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(
            Loopback.AnyPort,
            async connection =>
            {
                _served.Add(connection);
                try
                {
                    await connection.Input.ReadAsync();
                }
                catch (ConnectionAbortedException exception)
                {
                    told.SetResult(exception);
                    throw;
                }
            },
            Impatient).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Active == 1);

        await PassTime(loop, seconds: 9);
        Assert.That(listener.Active, Is.EqualTo(1), "Not yet.");
        await PassTime(loop, seconds: 2);

        Assert.That(peer.EndsInOrder(), Is.False);
        Assert.That(((ConnectionAbortedException)await told.Task.Within()).Reason, Is.EqualTo(CloseReason.FirstByteTimeout));
        Assert.That(_served.Single().CloseReason, Is.EqualTo(CloseReason.FirstByteTimeout));
        await Until.Canceled(_served.Single().Closed);
        Assert.That(loop.Counters.FirstByteTimeouts, Is.EqualTo(1));
        var line = log.Lines.Single(static line => line.Event.Id == 23);
        Assert.That((line.Level, line.Text), Is.EqualTo((LogLevel.Debug, $"Connection {_served.Single().Id} with {_served.Single().RemoteEndPoint} was aborted: FirstByteTimeout.")));
        Assert.That(log.Above(LogLevel.Debug), Is.Empty);
    }

    [Test]
    public async Task One_that_has_sent_a_byte_stays()
    {
        await using var loop = TestLoop.Start(_kernel);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, Impatient).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        peer.Send("x");
        Assert.That(peer.ReadText(1), Is.EqualTo("x"));

        await PassTime(loop, seconds: 11);

        peer.Send("y");
        Assert.That(peer.ReadText(1), Is.EqualTo("y"));
        Assert.That(loop.Counters.FirstByteTimeouts, Is.Zero);
    }

    [Test]
    public async Task One_whose_bytes_wait_because_the_handler_does_not_read_yet_stays()
    {
        await using var loop = TestLoop.Start(_kernel);
        var release = new TaskCompletionSource();
        await using var listener = await loop.ListenAsync(
            Loopback.AnyPort,
            async connection =>
            {
                await release.Task;
                await Handlers.Echo(connection);
            },
            Impatient).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        peer.Send("x");
        await Until.True(() => listener.Active == 1);

        await PassTime(loop, seconds: 11);
        release.SetResult();

        Assert.That(peer.ReadText(1), Is.EqualTo("x"));
        Assert.That(loop.Counters.FirstByteTimeouts, Is.Zero);
    }

    [Test]
    public async Task One_that_has_only_ended_its_side_stays()
    {
        await using var loop = TestLoop.Start(_kernel);
        var release = new TaskCompletionSource();
        await using var listener = await loop.ListenAsync(
            Loopback.AnyPort,
            async connection =>
            {
                await release.Task;
                await connection.Output.WriteAsync("answer"u8.ToArray());
            },
            Impatient).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        peer.HalfClose();
        await Until.True(() => listener.Active == 1);

        await PassTime(loop, seconds: 11);
        release.SetResult();

        Assert.That(peer.ReadText(6), Is.EqualTo("answer"));
        Assert.That(loop.Counters.FirstByteTimeouts, Is.Zero);
    }

    [Test]
    public async Task What_we_say_first_does_not_count()
    {
        await using var loop = TestLoop.Start(_kernel);
        await using var listener = await loop.ListenAsync(
            Loopback.AnyPort,
            static async connection =>
            {
                await connection.Output.WriteAsync("220 at your service\r\n"u8.ToArray());
                await connection.Input.ReadAsync();
            },
            Impatient).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        Assert.That(peer.ReadText(21), Does.StartWith("220"));

        await PassTime(loop, seconds: 11);

        Assert.That(peer.EndsInOrder(), Is.False);
        Assert.That(loop.Counters.FirstByteTimeouts, Is.EqualTo(1));
    }

    [Test]
    public async Task Each_of_many_is_timed_by_itself_and_none_leaves_a_timer()
    {
        await using var loop = TestLoop.Start(_kernel);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, Impatient).Within();
        var peers = Enumerable.Range(0, 100).Select(_ => RawPeer.Dial(listener.LocalEndPoint)).ToArray();
        for (var i = 0; i < peers.Length; i += 2)
        {
            peers[i].Send("x");
            Assert.That(peers[i].ReadText(1), Is.EqualTo("x"));
        }

        await Until.True(() => listener.Active == peers.Length);
        await PassTime(loop, seconds: 11);

        await Until.True(() => listener.Active == peers.Length / 2);
        Assert.That(loop.Counters.FirstByteTimeouts, Is.EqualTo(peers.Length / 2));
        foreach (var peer in peers)
            peer.Dispose();
        await Until.True(() => listener.Active == 0);
        Assert.That(loop.Counters.Timers, Is.Zero);
    }

    private async Task PassTime(EventLoop loop, int seconds)
    {
        _kernel.Jump(TimeSpan.FromSeconds(seconds));
        await loop.Settled();
    }
}
