using System.Net;
using System.Net.Sockets;
using System.Text;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The peer says something, as a rule why, and resets; and the first that notices is a send. What it said can still be read.</summary>
[TestFixture]
public sealed class SendFailsAfterLastBytesTests
{
    [Test]
    public async Task A_send_that_meets_the_reset_leaves_the_bytes_before_it_to_the_reader()
    {
        await using var wire = await Wire.Dial();

        await wire.Loop.InvokeAsync(async () =>
        {
            // All within one turn, so that no event tells of the reset before the send does.
            wire.Peer.Send("busy\n");
            wire.Peer.Reset();
            Assert.That(Until.Holds(() => IsReset(wire.Connection), Until.Limit), Is.True);
            await Assert.ThrowsAsync<ConnectionResetException>(async () => await wire.Connection.Output.WriteAsync("request\n"u8.ToArray()));

            await ExpectLastWordsThenReset(wire.Connection);
        }).Within();

        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Reset));
    }

    [Test]
    public async Task A_reset_that_ends_a_waiting_flush_leaves_the_bytes_before_it_to_the_reader()
    {
        await using var wire = await Wire.Dial(peerReceiveBuffer: 4 * 1024);

        await wire.Loop.InvokeAsync(async () =>
        {
            var writing = wire.Connection.Output.WriteAsync(new byte[16_000_000]).AsTask();
            await wire.Settled();
            Assert.That(writing.IsCompleted, Is.False, "The test's own premise.");
            wire.Peer.Send("busy\n");
            wire.Peer.Reset();
            await Assert.ThrowsAsync<ConnectionResetException>(async () => await writing);

            await ExpectLastWordsThenReset(wire.Connection);
        }).Within();

        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Reset));
    }

    [Test]
    public async Task A_send_that_fails_with_nothing_to_read_ends_the_connection()
    {
        await using var wire = await Wire.Dial();

        await wire.Loop.InvokeAsync(async () =>
        {
            wire.Peer.Reset();
            Assert.That(Until.Holds(() => IsReset(wire.Connection), Until.Limit), Is.True);
            await Assert.ThrowsAsync<ConnectionResetException>(async () => await wire.Connection.Output.WriteAsync("request\n"u8.ToArray()));
        }).Within();

        await Until.Canceled(wire.Connection.Closed);
        Assert.That(wire.Loop.Counters.Registrations, Is.Zero);
    }

    [Test]
    public async Task Bytes_that_nobody_reads_then_go_with_the_close()
    {
        await using var wire = await Wire.Dial();
        await wire.Loop.InvokeAsync(async () =>
        {
            wire.Peer.Send("busy\n");
            wire.Peer.Reset();
            Assert.That(Until.Holds(() => IsReset(wire.Connection), Until.Limit), Is.True);
            await Assert.ThrowsAsync<ConnectionResetException>(async () => await wire.Connection.Output.WriteAsync("request\n"u8.ToArray()));
        }).Within();

        await wire.Connection.CloseAsync().Within();

        await Until.Canceled(wire.Connection.Closed);
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Reset));
        Assert.That(wire.Loop.Counters.Registrations, Is.Zero);
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_close_that_waits_for_room_ends_with_the_reset_whether_or_not_bytes_are_unread(bool unread)
    {
        var options = new ConnectOptions { SendHighWatermark = 64 * 1024 * 1024, CloseTimeout = Timeout.InfiniteTimeSpan };
        await using var wire = await Wire.Dial(options: options, peerReceiveBuffer: 4 * 1024);
        await wire.Connection.Output.WriteAsync(new byte[16_000_000]).Within();
        var closing = wire.Connection.CloseAsync().AsTask();
        await wire.Settled();
        Assert.That(closing.IsCompleted, Is.False, "The test's own premise.");

        if (unread)
            wire.Peer.Send("too late\n");
        wire.Peer.Reset();

        // Nobody can read any more, so there is nothing to keep it open for.
        await closing.Within();
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Reset));
        Assert.That(wire.Loop.Counters.Registrations, Is.Zero);
    }

    private static async Task ExpectLastWordsThenReset(Connection connection)
    {
        var read = await connection.Input.ReadAsync();
        Assert.That(Encoding.Latin1.GetString(read.Buffer), Is.EqualTo("busy\n"));
        connection.Input.AdvanceTo(read.Buffer.End);
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await connection.Input.ReadAsync());
    }

    // A socket that a reset has come for has no peer any more; and unlike SO_ERROR, asking for that leaves it as it is.
    private static bool IsReset(Connection connection) =>
        Kernel.System.PeerAddress(connection.Descriptor, new SocketAddress(AddressFamily.InterNetworkV6, Kernel.AddressSize)) < 0;
}
