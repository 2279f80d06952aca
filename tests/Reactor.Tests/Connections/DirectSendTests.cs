using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Which memory a send reads from, and how many calls it takes.</summary>
[TestFixture]
public sealed class DirectSendTests
{
    [Test]
    public async Task WriteAsync_on_an_empty_output_sends_from_the_caller_s_memory()
    {
        var mine = "from here"u8.ToArray();
        var same = false;
        var kernel = new ScriptedKernel();
        kernel.OnSend = (descriptor, data) =>
        {
            same = Unsafe.AreSame(ref MemoryMarshal.GetReference(data), ref mine[0]);
            return kernel.Real.Send(descriptor, data);
        };
        await using var wire = await Wire.Dial(kernel);

        await wire.Loop.InvokeAsync(async () => await wire.Connection.Output.WriteAsync(mine)).Within();

        Assert.That(same, Is.True);
        Assert.That(wire.Peer.ReadText(9), Is.EqualTo("from here"));
        Assert.That(wire.Loop.Counters.RentedBuffers, Is.Zero, "Nothing was copied.");
    }

    [Test]
    public async Task Many_written_pieces_go_out_in_one_gathering_send()
    {
        var kernel = new ScriptedKernel();
        await using var wire = await Wire.Dial(kernel);

        await wire.Loop.InvokeAsync(async () =>
        {
            for (var i = 0; i < 10; i++)
            {
                wire.Connection.Output.GetMemory(60_000).Span[0] = (byte)('0' + i);
                wire.Connection.Output.Advance(1);
            }

            await wire.Connection.Output.FlushAsync();
        }).Within();

        Assert.That(wire.Peer.ReadText(10), Is.EqualTo("0123456789"));
        Assert.That(kernel.Count(KernelCall.Gather) + kernel.Count(KernelCall.Send), Is.EqualTo(1));
    }

    [Test]
    public async Task Many_small_writes_go_out_in_one_send()
    {
        var kernel = new ScriptedKernel();
        await using var wire = await Wire.Dial(kernel);

        await wire.Loop.InvokeAsync(async () =>
        {
            for (var i = 0; i < 100; i++)
                wire.Connection.Output.Write("0123456789"u8);
            await wire.Connection.Output.FlushAsync();
        }).Within();

        Assert.That(wire.Peer.ReadExactly(1_000), Has.Length.EqualTo(1_000));
        Assert.That(kernel.Count(KernelCall.Send), Is.EqualTo(1));
    }

    [Test]
    public async Task Sends_that_come_up_short_by_every_count_lose_nothing_and_double_nothing()
    {
        var random = Seed.NewRandom();
        var kernel = new ScriptedKernel();
        kernel.OnSend = (descriptor, data) => random.Next(4) == 0 ? -(int)Errno.EINTR : kernel.Real.Send(descriptor, data[..random.Next(1, data.Length + 1)]);
        await using var wire = await Wire.Dial(kernel);
        var message = new byte[200_000];
        random.NextBytes(message);
        var reading = Task.Run(() => wire.Peer.ReadExactly(message.Length));

        for (var done = 0; done < message.Length;)
        {
            var count = Math.Min(random.Next(1, 30_000), message.Length - done);
            await wire.Connection.Output.WriteAsync(message.AsMemory(done, count)).Within();
            done += count;
        }

        Assert.That((await reading.Within()).AsSpan().SequenceEqual(message), Is.True);
    }

    [Test]
    public async Task Receives_that_come_up_short_or_interrupted_lose_nothing()
    {
        var random = Seed.NewRandom();
        var kernel = new ScriptedKernel();
        kernel.OnReceive = (descriptor, buffer) => random.Next(4) == 0 ? -(int)Errno.EINTR : kernel.Real.Receive(descriptor, buffer);
        await using var wire = await Wire.Dial(kernel);
        var message = new byte[300_000];
        random.NextBytes(message);
        var sending = Task.Run(() => wire.Peer.Send(message));

        var received = await wire.Connection.Input.ReadAtLeastAsync(message.Length).Within();

        Assert.That(received.Buffer.ToArray().AsSpan().SequenceEqual(message), Is.True);
        wire.Connection.Input.AdvanceTo(received.Buffer.End);
        await sending.Within();
    }
}
