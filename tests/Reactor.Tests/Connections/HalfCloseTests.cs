using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>One direction ends, the other goes on.</summary>
[TestFixture]
public sealed class HalfCloseTests
{
    [Test]
    public async Task Bytes_before_the_peer_s_FIN_are_read_before_its_end()
    {
        await using var wire = await Wire.Dial();
        var message = new byte[200_000];
        new Random(3).NextBytes(message);
        var sending = Task.Run(() =>
        {
            wire.Peer.Send(message);
            wire.Peer.HalfClose();
        });

        var got = new MemoryStream();
        await wire.Connection.Input.CopyToAsync(got).Within();

        Assert.That(got.ToArray().AsSpan().SequenceEqual(message), Is.True);
        await sending;
    }

    [Test]
    public async Task Bytes_and_FIN_that_came_together_before_anyone_read_are_bytes_then_end()
    {
        await using var wire = await Wire.Dial();
        wire.Peer.Send("bytes");
        wire.Peer.HalfClose();
        await wire.Settled();
        await wire.Settled();

        Assert.That(await wire.ReadText(5), Is.EqualTo("bytes"));
        var read = await wire.Connection.Input.ReadAsync().Within();
        Assert.That((read.IsCompleted, read.Buffer.Length), Is.EqualTo((true, 0L)));
    }

    [Test]
    public async Task Bytes_half_close_and_hang_up_in_one_event_are_bytes_then_end()
    {
        // Our side is over first, so that the peer's close is EPOLLIN, EPOLLRDHUP and EPOLLHUP together.
        await using var wire = await Wire.Dial();
        wire.Connection.ShutdownSend();
        Assert.That(wire.Peer.EndsInOrder(), Is.True);
        using var release = new ManualResetEventSlim();
        wire.Loop.Post(() => release.Wait(Until.Limit));
        wire.Peer.Send("bytes");
        wire.Peer.HalfClose();
        release.Set();
        await wire.Settled();

        Assert.That(await wire.ReadText(5), Is.EqualTo("bytes"));
        Assert.That((await wire.Connection.Input.ReadAsync().Within()).IsCompleted, Is.True);
        await Until.Canceled(wire.Connection.Closed);
    }

    [Test]
    public async Task After_the_peer_s_FIN_the_reply_still_arrives()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            var question = new MemoryStream();
            await connection.Input.CopyToAsync(question);
            await connection.Output.WriteAsync(question.ToArray().Reverse().ToArray());
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        peer.Send("olleh");
        peer.HalfClose();

        Assert.That(System.Text.Encoding.Latin1.GetString(peer.ReadToEnd()), Is.EqualTo("hello"));
    }

    [Test]
    public async Task The_peer_s_FIN_alone_does_not_end_the_connection()
    {
        await using var wire = await Wire.Dial();
        wire.Peer.HalfClose();
        var read = await wire.Connection.Input.ReadAsync().Within();
        Assert.That(read.IsCompleted, Is.True);
        await wire.Settled();

        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.None));
        Assert.That(wire.Connection.Closed.IsCancellationRequested, Is.False);
        Assert.That(wire.Loop.Counters.Connections, Is.EqualTo(1));
    }

    [Test]
    public async Task ShutdownSend_is_a_FIN_after_what_was_flushed_and_receiving_goes_on()
    {
        await using var wire = await Wire.Dial();
        await wire.Connection.Output.WriteAsync("question"u8.ToArray()).Within();
        wire.Connection.ShutdownSend();

        Assert.That(System.Text.Encoding.Latin1.GetString(wire.Peer.ReadToEnd()), Is.EqualTo("question"));
        wire.Peer.Send("answer");
        Assert.That(await wire.ReadText(6), Is.EqualTo("answer"));
    }

    [Test]
    public async Task ShutdownSend_waits_for_what_the_system_has_not_taken_yet()
    {
        var kernel = new ScriptedKernel();
        var faucet = new Faucet(kernel);
        await using var wire = await Wire.Dial(kernel);
        faucet.Close();
        await wire.Connection.Output.WriteAsync("still to come"u8.ToArray()).Within();

        wire.Connection.ShutdownSend();
        await wire.Settled();
        Assert.That(kernel.Count(KernelCall.Shutdown), Is.Zero);
        faucet.Give(wire.Loop, int.MaxValue);

        Assert.That(System.Text.Encoding.Latin1.GetString(wire.Peer.ReadToEnd()), Is.EqualTo("still to come"));
    }

    [Test]
    public async Task ShutdownSend_twice_sends_one_FIN()
    {
        var kernel = new ScriptedKernel();
        await using var wire = await Wire.Dial(kernel);

        wire.Connection.ShutdownSend();
        wire.Connection.ShutdownSend();
        await wire.Connection.Output.CompleteAsync();
        await wire.Settled();

        Assert.That(kernel.Count(KernelCall.Shutdown), Is.EqualTo(1));
        Assert.That(wire.Peer.EndsInOrder(), Is.True);
    }

    [Test]
    public async Task Both_sides_shut_down_at_once_ends_the_connection_by_itself()
    {
        await using var wire = await Wire.Dial();
        var reading = wire.Connection.Input.ReadAsync().AsTask();

        wire.Connection.ShutdownSend();
        wire.Peer.HalfClose();

        Assert.That((await reading.Within()).IsCompleted, Is.True);
        await Until.Canceled(wire.Connection.Closed);
        Assert.That(wire.Connection.CloseReason, Is.AnyOf(CloseReason.ClosedByPeer, CloseReason.ClosedLocally));
        await Until.True(() => wire.Loop.Counters.Registrations == 0);
    }

    [Test]
    public async Task ShutdownSend_after_the_peer_reset_is_swallowed()
    {
        await using var wire = await Wire.Dial();
        wire.Peer.Reset();
        await Until.Canceled(wire.Connection.Closed);

        wire.Connection.ShutdownSend();
        await wire.Settled();

        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Reset));
    }

    [TestCase(Errno.ENOTCONN)]
    [TestCase(Errno.EINVAL)]
    public async Task A_shutdown_that_the_system_refuses_is_swallowed(Errno errno)
    {
        var kernel = new ScriptedKernel { OnShutdown = (_, _) => -(int)errno };
        await using var wire = await Wire.Dial(kernel);

        wire.Connection.ShutdownSend();
        await wire.Settled();
        wire.Peer.Send("still read");

        Assert.That(await wire.ReadText(10), Is.EqualTo("still read"));
    }

    [Test]
    public async Task Half_closed_and_then_reset_by_the_peer_while_nobody_reads_is_noticed_and_closed()
    {
        await using var wire = await Wire.Dial();
        wire.Peer.HalfClose();
        Assert.That((await wire.Connection.Input.ReadAsync().Within()).IsCompleted, Is.True);

        wire.Peer.Reset();

        // Netty left such connections open for ever (CVE-2026-42577).
        await Until.Canceled(wire.Connection.Closed);
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Reset));
        Assert.That(wire.Loop.Counters.Registrations, Is.Zero);
    }
}
