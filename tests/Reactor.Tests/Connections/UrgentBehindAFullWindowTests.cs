using System.Buffers;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>
/// An urgent byte behind more than our window takes: the peer's system announces it in a probe, and the byte itself comes only
/// when somebody reads. Until then recv(2) with <c>MSG_OOB</c> says <c>EAGAIN</c>.
/// </summary>
[TestFixture]
public sealed class UrgentBehindAFullWindowTests
{
    // Above what a receive buffer of 4 KiB takes, with all that Linux adds to it. An urgent byte that is more than 64 KiB
    // behind what was acknowledged cannot be announced at all: its pointer has 16 bits (RFC 9293, 3.8.5).
    private const int Ordinary = 40_000;

    [TestCase(true)]
    [TestCase(false)]
    public async Task It_is_announced_and_comes_when_the_reader_makes_room(bool isAskedForBefore)
    {
        var ordinary = new byte[Ordinary];
        new Random(5).NextBytes(ordinary);
        await using var wire = await Wire.Dial(options: new ConnectOptions { ReceiveBufferSize = 4 * 1024 });
        var waiting = isAskedForBefore ? wire.Connection.ReceiveUrgentAsync().AsTask() : null;
        wire.Peer.Send(ordinary);
        wire.Peer.SendUrgent('!');
        wire.Peer.Send("after");
        await Until.True(() => OutOfBand(wire) == -(int)Errno.EAGAIN);

        waiting ??= wire.Connection.ReceiveUrgentAsync().AsTask();
        await wire.Settled();
        var turns = wire.Loop.Counters.Turns;
        await wire.Loop.After(TimeSpan.FromMilliseconds(300));
        Assert.That(waiting.IsCompleted, Is.False, "It is announced and not here.");
        Assert.That(wire.Loop.Counters.Turns - turns, Is.LessThan(20), "Nobody asks for it again and again.");

        // The mark is where the urgent byte is, and a read does not go beyond it.
        var received = new MemoryStream();
        while (received.Length < Ordinary)
        {
            var read = await wire.Connection.Input.ReadAsync().Within();
            received.Write(read.Buffer.ToArray());
            wire.Connection.Input.AdvanceTo(read.Buffer.End);
        }

        Assert.That(await waiting.Within(), Is.EqualTo((byte)'!'));
        Assert.That(received.ToArray().AsSpan().SequenceEqual(ordinary), Is.True);
        Assert.That(await wire.ReadText(5), Is.EqualTo("after"));
    }

    [Test]
    public async Task Its_announcement_does_not_wake_a_handler_that_works_on_something_else()
    {
        await using var wire = await Wire.Dial(options: new ConnectOptions { ReceiveBufferSize = 4 * 1024 });
        wire.Peer.Send(new byte[Ordinary]);
        wire.Peer.SendUrgent('!');
        await Until.True(() => OutOfBand(wire) == -(int)Errno.EAGAIN);
        await wire.Settled();
        var turns = wire.Loop.Counters.Turns;

        await wire.Loop.After(TimeSpan.FromMilliseconds(300));

        Assert.That(wire.Loop.Counters.Turns - turns, Is.LessThan(20));
        Assert.That((wire.Connection.CloseReason, wire.Loop.Counters.BytesReceived), Is.EqualTo((CloseReason.None, 0)));
        var discarded = await wire.Connection.DiscardToMarkAsync().Within();
        Assert.That(discarded, Is.EqualTo(Ordinary), "What was announced is the mark.");
    }

    // EINVAL before it is announced, EAGAIN from then on; as long as the byte is not here asking changes nothing.
    private static int OutOfBand(Wire wire) => Kernel.System.ReceiveUrgent(wire.Connection.Descriptor, new byte[1]);
}
