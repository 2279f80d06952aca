using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A connection that breaks: the peer resets it, or a call fails.</summary>
[TestFixture]
public sealed class ResetTests
{
    [Test]
    public async Task A_reset_while_reading_is_a_ConnectionResetException_once()
    {
        using var log = new LogRecorder();
        await using var wire = await Wire.Dial(log: log);
        var peer = wire.Connection.RemoteEndPoint;
        var reading = wire.Connection.Input.ReadAsync().AsTask();

        wire.Peer.Reset();

        var error = await Assert.ThrowsAsync<ConnectionResetException>(async () => await reading.Within());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(error!.Errno, Is.EqualTo(Errno.ECONNRESET));
            Assert.That(error.Syscall, Is.EqualTo("recv"));
            Assert.That(error.RemoteEndPoint, Is.EqualTo(peer));
            Assert.That(error.Message, Does.Contain("ECONNRESET").And.Contain($"{peer}"));
            Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Reset));
            Assert.That(log.Above(LogLevel.Debug), Is.Empty);
        }
    }

    [Test]
    public async Task A_reset_while_idle_is_noticed_and_Closed_fires_once()
    {
        using var log = new LogRecorder();
        await using var wire = await Wire.Dial(log: log);
        var fired = 0;
        await using var registration = wire.Connection.Closed.Register(() => Interlocked.Increment(ref fired));

        wire.Peer.Reset();

        await Until.Canceled(wire.Connection.Closed);
        await wire.Connection.CloseAsync().Within();
        await wire.Settled();
        Assert.That(fired, Is.EqualTo(1));
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Reset));
        Assert.That(wire.Loop.Counters.Registrations, Is.Zero);
        Assert.That(log.Above(LogLevel.Debug), Is.Empty);
        var line = log.Lines.Single();
        Assert.That(line.Text, Does.Contain($"{wire.Connection.Id}").And.Contain($"{wire.Connection.RemoteEndPoint}").And.Contain("ECONNRESET"));
    }

    [Test]
    public async Task A_reset_while_a_buffer_is_out_with_the_reader_is_noticed_and_the_buffer_stays_readable()
    {
        await using var wire = await Wire.Dial();
        wire.Peer.Send("still mine");
        var read = await wire.Connection.Input.ReadAtLeastAsync(10).Within();

        wire.Peer.Reset();
        await Until.Canceled(wire.Connection.Closed);

        Assert.That(System.Text.Encoding.Latin1.GetString(System.Buffers.BuffersExtensions.ToArray(read.Buffer)), Is.EqualTo("still mine"));
        wire.Connection.Input.AdvanceTo(read.Buffer.End);
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await wire.Connection.Input.ReadAsync().Within());
    }

    [Test]
    public async Task Reads_and_writes_after_a_reset_are_told_again_and_again()
    {
        await using var wire = await Wire.Dial();
        wire.Peer.Reset();
        await Until.Canceled(wire.Connection.Closed);

        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<ConnectionResetException>(async () => await wire.Connection.Input.ReadAsync().Within());
            await Assert.ThrowsAsync<ConnectionResetException>(async () => await wire.Connection.Output.WriteAsync("late"u8.ToArray()).Within());
            await Assert.ThrowsAsync<ConnectionResetException>(async () => await wire.Connection.Output.FlushAsync().Within());
        }
    }

    [Test]
    public async Task What_is_written_and_flushed_after_a_reset_holds_no_buffer()
    {
        await using var wire = await Wire.Dial();
        wire.Peer.Reset();
        await Until.Canceled(wire.Connection.Closed);

        wire.Connection.Output.GetMemory(10);
        wire.Connection.Output.Advance(10);
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await wire.Connection.Output.FlushAsync().Within());
        await wire.Connection.CloseAsync().Within();

        Assert.That(wire.Loop.Counters.RentedBuffers, Is.Zero);
    }

    [Test]
    public async Task A_reset_while_a_flush_waits_fails_the_flush()
    {
        using var log = new LogRecorder();
        await using var wire = await Wire.Dial(log: log);
        var flushing = wire.Loop.InvokeAsync(async () =>
        {
            var block = new byte[256 * 1024];
            while (true)
                await wire.Connection.Output.WriteAsync(block);
        });
        await Until.True(() => wire.Loop.Counters.RentedBuffers > 0 || wire.Loop.Counters.BytesSent > 0);
        await wire.Loop.After(TimeSpan.FromMilliseconds(100));

        wire.Peer.Reset();

        await Assert.ThrowsAsync<ConnectionResetException>(async () => await flushing.Within());
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Reset));
        Assert.That(log.Above(LogLevel.Debug), Is.Empty);
        await Until.True(() => wire.Loop.Counters.RentedBuffers == 0);
    }

    [Test]
    public async Task A_reset_while_both_a_read_and_a_flush_wait_tells_both()
    {
        var kernel = new ScriptedKernel();
        var faucet = new Faucet(kernel);
        await using var wire = await Wire.Dial(kernel);
        faucet.Close();
        var flushing = wire.Connection.Output.WriteAsync(new byte[200_000]).AsTask();
        var reading = wire.Connection.Input.ReadAsync().AsTask();
        await wire.Settled();

        wire.Peer.Reset();

        await Assert.ThrowsAsync<ConnectionResetException>(async () => await flushing.Within());
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await reading.Within());
    }

    [Test]
    public async Task Bytes_before_a_reset_that_follows_a_FIN_are_read_first()
    {
        await using var wire = await Wire.Dial();
        wire.Peer.Send("before");
        await Until.True(() => wire.Loop.Counters.Connections == 1);

        // Read by us before the reset arrives, and examined only after it.
        Assert.That(await wire.ReadText(3), Is.EqualTo("bef"));
        wire.Peer.HalfClose();
        wire.Peer.Reset();
        await Until.True(() => wire.Connection.CloseReason != CloseReason.None || wire.Connection.Closed.IsCancellationRequested);

        Assert.That(await wire.ReadText(3), Is.EqualTo("ore"), "What was received is the reader's.");
    }

    [Test]
    public async Task Bytes_that_came_before_a_reset_are_read_before_it_is_told()
    {
        await using var wire = await Wire.Dial();
        using var release = new ManualResetEventSlim();
        wire.Loop.Post(() => release.Wait(Until.Limit));
        wire.Peer.Send("bytes");
        wire.Peer.Reset();
        release.Set();
        await Until.True(() => wire.Connection.CloseReason == CloseReason.Reset);

        Assert.That(await wire.ReadText(5), Is.EqualTo("bytes"));
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await wire.Connection.Input.ReadAsync().Within());
        await Until.Canceled(wire.Connection.Closed);
    }

    [Test]
    public async Task Bytes_that_came_before_a_send_met_the_break_are_still_the_reader_s()
    {
        var kernel = new ScriptedKernel { OnSend = static (_, _) => -(int)Errno.EPIPE };
        await using var wire = await Wire.Dial(kernel);
        wire.Peer.Send("bytes");
        await wire.Loop.After(TimeSpan.FromMilliseconds(20));

        await Assert.ThrowsAsync<ConnectionResetException>(async () => await wire.Connection.Output.WriteAsync("a"u8.ToArray()).Within());

        Assert.That(await wire.ReadText(5), Is.EqualTo("bytes"));
    }

    [Test]
    public async Task EPIPE_is_a_reset_on_the_call_that_meets_it_and_on_all_later_ones()
    {
        var kernel = new ScriptedKernel { OnSend = static (_, _) => -(int)Errno.EPIPE };
        await using var wire = await Wire.Dial(kernel);

        var error = await Assert.ThrowsAsync<ConnectionResetException>(async () => await wire.Connection.Output.WriteAsync("a"u8.ToArray()).Within());

        Assert.That((error!.Syscall, error.Errno), Is.EqualTo(("send", Errno.EPIPE)));
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await wire.Connection.Output.WriteAsync("b"u8.ToArray()).Within());
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Reset));
    }

    [Test]
    public async Task Writing_to_a_peer_that_has_left_ends_in_a_reset_and_no_signal()
    {
        await using var wire = await Wire.Dial();
        wire.Peer.Dispose();

        // The first write is answered by a RST, and a later one by EPIPE. A SIGPIPE would end this process.
        var error = await Assert.ThrowsAsync<ConnectionResetException>(async () =>
        {
            while (true)
            {
                await wire.Connection.Output.WriteAsync("anyone?"u8.ToArray()).Within();
                await wire.Settled();
            }
        });

        Assert.That(error!.Errno, Is.AnyOf(Errno.EPIPE, Errno.ECONNRESET));
    }

    [TestCase(Errno.ETIMEDOUT)]
    [TestCase(Errno.EHOSTUNREACH)]
    [TestCase(Errno.ENETDOWN)]
    [TestCase(Errno.ENOMEM)]
    [TestCase(Errno.ENOBUFS)]
    public async Task Another_error_of_recv_ends_the_connection_with_its_errno(Errno errno)
    {
        var kernel = new ScriptedKernel { OnReceive = (_, _) => -(int)errno };
        await using var wire = await Wire.Dial(kernel);
        wire.Peer.Send("a");

        var error = await Assert.CatchAsync<ConnectionException>(async () => await wire.Connection.Input.ReadAsync().Within());

        using (Assert.EnterMultipleScope())
        {
            Assert.That((error!.Syscall, error.Errno), Is.EqualTo(("recv", errno)));
            Assert.That(error, Is.Not.InstanceOf<ConnectionResetException>());
            Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Failed));
            Assert.That(wire.Loop.Counters.Registrations, Is.Zero);
        }
    }

    [TestCase(Errno.ECONNRESET, true)]
    [TestCase(Errno.ETIMEDOUT, false)]
    [TestCase(Errno.EHOSTUNREACH, false)]
    [TestCase(Errno.ENOBUFS, false)]
    [TestCase(Errno.ENOMEM, false)]
    [TestCase(Errno.EMSGSIZE, false)]
    public async Task An_error_of_send_ends_the_connection_with_its_errno(Errno errno, bool isReset)
    {
        var kernel = new ScriptedKernel { OnSend = (_, _) => -(int)errno };
        await using var wire = await Wire.Dial(kernel);

        var error = await Assert.CatchAsync<ConnectionException>(async () => await wire.Connection.Output.WriteAsync("a"u8.ToArray()).Within());

        Assert.That((error!.Syscall, error.Errno), Is.EqualTo(("send", errno)));
        Assert.That(error is ConnectionResetException, Is.EqualTo(isReset));
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(isReset ? CloseReason.Reset : CloseReason.Failed));
    }

    [Test]
    public async Task One_broken_connection_leaves_the_others_untouched()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var healthy = RawPeer.Dial(listener.LocalEndPoint);
        for (var i = 0; i < 100; i++)
        {
            var broken = RawPeer.Dial(listener.LocalEndPoint);
            broken.Send("x");
            broken.Reset();
            healthy.Send("hello");
            Assert.That(healthy.ReadText(5), Is.EqualTo("hello"));
        }

        await Until.True(() => loop.Counters.Connections == 1);
    }
}
