using System.Buffers;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A read that takes nothing: how frameworks wait for bytes without holding a buffer meanwhile.</summary>
[TestFixture]
public sealed class ZeroByteReadTests
{
    [Test]
    public async Task Of_the_stream_it_waits_for_bytes_holds_no_buffer_and_leaves_them()
    {
        await using var wire = await Wire.Dial();
        await using var stream = wire.Connection.AsStream();
        var reading = stream.ReadAsync(Memory<byte>.Empty).AsTask();
        await wire.Settled();
        Assert.That((reading.IsCompleted, wire.Loop.Counters.RentedBuffers), Is.EqualTo((false, 0)));

        wire.Peer.Send("abc");

        Assert.That(await reading.Within(), Is.Zero);
        var three = new byte[3];
        await stream.ReadExactlyAsync(three).AsTask().Within();
        Assert.That(three, Is.EqualTo("abc"u8.ToArray()));
        wire.Peer.HalfClose();
        Assert.That(await stream.ReadAsync(Memory<byte>.Empty).AsTask().Within(), Is.Zero, "The end wakes it, too.");
    }

    [Test]
    public async Task Of_the_pipe_at_least_no_bytes_is_any_read()
    {
        await using var wire = await Wire.Dial();
        wire.Peer.Send("abc");

        var read = await wire.Connection.Input.ReadAtLeastAsync(0).Within();
        wire.Connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.Start);

        Assert.That((await wire.Connection.Input.ReadAtLeastAsync(3).Within()).Buffer.ToArray(), Is.EqualTo("abc"u8.ToArray()));
        wire.Connection.Input.AdvanceTo(read.Buffer.Start);
    }
}
