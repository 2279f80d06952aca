using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>How a connection is closed from this side.</summary>
[TestFixture]
public sealed class CloseTests
{
    [Test]
    public async Task Close_sends_FIN_after_all_that_was_flushed()
    {
        await using var wire = await Wire.Dial();
        var message = new byte[3_000_000];
        new Random(4).NextBytes(message);
        var reading = Task.Run(wire.Peer.ReadToEnd);

        await wire.Connection.Output.WriteAsync(message).Within();
        await wire.Connection.CloseAsync().Within();

        Assert.That((await reading.Within()).AsSpan().SequenceEqual(message), Is.True);
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.ClosedLocally));
        await Until.Canceled(wire.Connection.Closed);
    }

    [Test]
    public async Task A_handler_that_writes_and_returns_has_delivered_everything()
    {
        await using var loop = TestLoop.Start();
        var message = new byte[5_000_000];
        new Random(5).NextBytes(message);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection => await connection.Output.WriteAsync(message)).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint, receiveBuffer: 16 * 1024);

        Assert.That(peer.ReadToEnd().AsSpan().SequenceEqual(message), Is.True);
        await Until.True(() => loop.Counters.Connections == 0);
    }

    [Test]
    public async Task Close_right_after_a_write_that_met_a_stalled_peer_delivers_it_when_the_peer_goes_on()
    {
        await using var wire = await Wire.Dial(options: new ConnectOptions { SendHighWatermark = 64 * 1024 * 1024 }, peerReceiveBuffer: 4 * 1024);
        var message = new byte[20_000_000];
        new Random(6).NextBytes(message);
        await wire.Connection.Output.WriteAsync(message).Within();

        var closing = wire.Connection.CloseAsync().AsTask();
        await wire.Settled();
        Assert.That(closing.IsCompleted, Is.False, "The peer has not taken it.");

        Assert.That((await Task.Run(wire.Peer.ReadToEnd).Within()).AsSpan().SequenceEqual(message), Is.True);
        await closing.Within();
    }

    [Test]
    public async Task Close_gives_up_on_a_stalled_peer_after_CloseTimeout_with_a_reset()
    {
        var options = new ConnectOptions { SendHighWatermark = 64 * 1024 * 1024, CloseTimeout = TimeSpan.FromMilliseconds(100) };
        await using var wire = await Wire.Dial(options: options, peerReceiveBuffer: 4 * 1024);
        await wire.Connection.Output.WriteAsync(new byte[20_000_000]).Within();

        await wire.Connection.CloseAsync().Within();

        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.CloseTimeout));
        Assert.That(wire.Peer.EndsInOrder(), Is.False);
        Assert.That(wire.Loop.Counters.RentedBuffers, Is.Zero);
    }

    [Test]
    public async Task Abort_sends_RST()
    {
        await using var wire = await Wire.Dial();
        await wire.Connection.Output.WriteAsync("half a mess"u8.ToArray()).Within();

        wire.Connection.Abort();

        Assert.That(wire.Peer.EndsInOrder(), Is.False);
        await Until.Canceled(wire.Connection.Closed);
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Aborted));
    }

    [Test]
    public async Task Abort_drops_what_is_unsent_and_fails_who_waits()
    {
        await using var wire = await Wire.Dial(peerReceiveBuffer: 4 * 1024);
        var flushing = wire.Connection.Output.WriteAsync(new byte[20_000_000]).AsTask();
        var reading = wire.Connection.Input.ReadAsync().AsTask();
        await wire.Settled();

        wire.Connection.Abort();

        var ofFlush = await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await flushing.Within());
        var ofRead = await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await reading.Within());
        Assert.That((ofFlush!.Reason, ofRead!.Reason), Is.EqualTo((CloseReason.Aborted, CloseReason.Aborted)));
        Assert.That(wire.Peer.EndsInOrder(), Is.False);
    }

    [Test]
    public async Task Abort_twice_and_close_after_it_are_nothing_and_the_first_reason_wins()
    {
        await using var wire = await Wire.Dial();

        wire.Connection.Abort();
        wire.Connection.Abort();
        await wire.Connection.CloseAsync().Within();
        await wire.Connection.DisposeAsync();

        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Aborted));
        Assert.That(wire.Loop.Counters.Connections, Is.Zero);
    }

    [Test]
    public async Task Close_twice_and_at_once_from_two_threads_closes_one_descriptor()
    {
        var kernel = new ScriptedKernel();
        await using var wire = await Wire.Dial(kernel);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => wire.Connection.CloseAsync().AsTask()))).Within();

        Assert.That(kernel.Count(KernelCall.Close), Is.EqualTo(1));
    }

    [Test]
    public async Task A_pending_read_at_close_is_told()
    {
        await using var wire = await Wire.Dial();
        var reading = wire.Connection.Input.ReadAsync().AsTask();
        await wire.Settled();

        await wire.Connection.CloseAsync().Within();

        var error = await Assert.CatchAsync(async () => await reading.Within());
        Assert.That(error, Is.InstanceOf<ConnectionAbortedException>().Or.InstanceOf<InvalidOperationException>());
    }

    [Test]
    public async Task Writing_after_close_is_a_ConnectionAbortedException()
    {
        await using var wire = await Wire.Dial();
        await wire.Connection.CloseAsync().Within();

        for (var i = 0; i < 2; i++)
        {
            var error = await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await wire.Connection.Output.WriteAsync("late"u8.ToArray()).Within());
            Assert.That(error!.Reason, Is.EqualTo(CloseReason.ClosedLocally));
        }
    }

    [Test]
    public async Task Close_with_unread_input_still_delivers_what_was_flushed_and_ends_in_order()
    {
        // close(2) with bytes unread sends RST (RFC 1122, 4.2.2.13), which may overtake the reply in the peer's hands.
        await using var wire = await Wire.Dial();
        wire.Peer.Send(new byte[100_000]);
        await wire.Loop.After(TimeSpan.FromMilliseconds(20));
        await wire.Connection.Output.WriteAsync("reply"u8.ToArray()).Within();

        await wire.Connection.CloseAsync().Within();

        Assert.That(System.Text.Encoding.Latin1.GetString(wire.Peer.ReadToEnd()), Is.EqualTo("reply"));
    }

    [Test]
    public async Task Who_closes_after_the_peer_s_end_closed_because_of_the_peer()
    {
        await using var wire = await Wire.Dial();
        wire.Peer.HalfClose();
        Assert.That((await wire.Connection.Input.ReadAsync().Within()).IsCompleted, Is.True);

        await wire.Connection.CloseAsync().Within();

        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.ClosedByPeer));
    }

    [Test]
    public async Task The_descriptor_is_forgotten_by_the_poller_before_it_is_closed()
    {
        var order = new List<string>();
        var kernel = new ScriptedKernel();
        kernel.OnRemove = descriptor =>
        {
            order.Add($"remove {descriptor}");
            return kernel.RealPoller!.Remove(descriptor);
        };
        kernel.OnClose = descriptor =>
        {
            order.Add($"close {descriptor}");
            return kernel.Real.Close(descriptor);
        };
        await using var wire = await Wire.Dial(kernel);

        await wire.Connection.CloseAsync().Within();

        Assert.That(order, Has.Count.EqualTo(2));
        Assert.That(order[0].Replace("remove", "close", StringComparison.Ordinal), Is.EqualTo(order[1]));
    }

    [TestCase(Errno.EINTR)]
    [TestCase(Errno.EIO)]
    public async Task A_close_that_fails_is_not_repeated_for_the_descriptor_is_gone(Errno errno)
    {
        var kernel = new ScriptedKernel();
        kernel.OnClose = descriptor =>
        {
            kernel.Real.Close(descriptor);
            return -(int)errno;
        };
        await using var wire = await Wire.Dial(kernel);

        await wire.Connection.CloseAsync().Within();

        Assert.That(kernel.Count(KernelCall.Close), Is.EqualTo(1));
        Assert.That(wire.Peer.EndsInOrder(), Is.True);
    }

    [Test]
    public async Task Abort_without_the_option_for_it_still_closes()
    {
        var kernel = new ScriptedKernel();
        kernel.OnSetOption = (descriptor, name, value) => name == SocketOption.Linger ? -(int)Errno.ENOPROTOOPT : kernel.Real.SetOption(descriptor, name, value);
        await using var wire = await Wire.Dial(kernel);

        wire.Connection.Abort();

        await Until.Canceled(wire.Connection.Closed);
        wire.Peer.EndsInOrder();
        Assert.That(wire.Loop.Counters.Registrations, Is.Zero);
    }

    [Test]
    public async Task Closed_asked_for_after_the_end_is_cancelled_already()
    {
        await using var wire = await Wire.Dial();
        await wire.Connection.CloseAsync().Within();
        await wire.Settled();

        Assert.That(wire.Connection.Closed.IsCancellationRequested, Is.True);
    }

    [Test]
    public async Task Who_is_told_by_Closed_is_told_on_the_loop()
    {
        await using var wire = await Wire.Dial();
        var onLoop = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = wire.Connection.Closed.Register(() => onLoop.TrySetResult(wire.Loop.IsOnLoop));

        wire.Peer.Reset();

        Assert.That(await onLoop.Task.Within(), Is.True);
    }

    [Test]
    public async Task A_Unix_connection_is_aborted_and_closed_as_any_other()
    {
        using var directory = new ScratchDirectory();
        await using (var wire = await Wire.Dial(at: new UnixDomainSocketEndPoint(directory.File("a"))))
        {
            await wire.Connection.Output.WriteAsync("bytes"u8.ToArray()).Within();
            await wire.Connection.CloseAsync().Within();
            Assert.That(System.Text.Encoding.Latin1.GetString(wire.Peer.ReadToEnd()), Is.EqualTo("bytes"));
        }

        await using (var wire = await Wire.Dial(at: new UnixDomainSocketEndPoint(directory.File("b"))))
        {
            wire.Connection.Abort();
            await Until.Canceled(wire.Connection.Closed);
            Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Aborted));
        }
    }

    [Test]
    public async Task IdleTimeout_aborts_a_silent_connection()
    {
        await using var wire = await Wire.Dial(options: new ConnectOptions { IdleTimeout = TimeSpan.FromMilliseconds(50) });

        await Until.Canceled(wire.Connection.Closed);

        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.IdleTimeout));
        Assert.That(wire.Peer.EndsInOrder(), Is.False);
        Assert.That(wire.Loop.Counters.Timers, Is.Zero);
    }

    [Test]
    public async Task IdleTimeout_spares_a_connection_that_receives_or_sends()
    {
        await using var wire = await Wire.Dial(options: new ConnectOptions { IdleTimeout = TimeSpan.FromSeconds(2) });
        for (var i = 0; i < 30; i++)
        {
            wire.Peer.Send("x");
            Assert.That(await wire.ReadText(1), Is.EqualTo("x"));
            await wire.Loop.After(TimeSpan.FromMilliseconds(100));
        }

        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.None), "Three seconds have passed, none of two without a byte.");
    }

    [Test]
    public void Timeouts_of_zero_or_less_are_refused_when_they_are_set()
    {
        foreach (var wrong in (TimeSpan[])[TimeSpan.Zero, TimeSpan.FromTicks(-1), TimeSpan.MinValue])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ConnectOptions { IdleTimeout = wrong });
            Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ConnectOptions { CloseTimeout = wrong });
        }

        Assert.That(new ConnectOptions { IdleTimeout = Timeout.InfiniteTimeSpan }.IdleTimeout, Is.EqualTo(Timeout.InfiniteTimeSpan));
    }
}
