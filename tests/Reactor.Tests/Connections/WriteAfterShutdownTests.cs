using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Our side is over: what is written then is an error that says so, and the other direction does not notice.</summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class WriteAfterShutdownTests(bool onLoop)
{
    [Test]
    public async Task Each_way_to_write_is_refused_again_and_again_and_nothing_is_sent()
    {
        var kernel = new ScriptedKernel();
        await using var wire = await Wire.Dial(kernel);
        await wire.Run(onLoop, async () =>
        {
            await wire.Connection.Output.WriteAsync("last"u8.ToArray());
            wire.Connection.ShutdownSend();
            for (var i = 0; i < 3; i++)
            {
                await Assert.ThrowsAsync<InvalidOperationException>(async () => await wire.Connection.Output.WriteAsync("late"u8.ToArray()));
                await Assert.ThrowsAsync<InvalidOperationException>(async () => await wire.Connection.Output.FlushAsync());
                Assert.Throws<InvalidOperationException>(() => wire.Connection.Output.GetMemory());
                Assert.Throws<InvalidOperationException>(() => wire.Connection.Output.GetSpan());
                await Assert.ThrowsAsync<InvalidOperationException>(async () => await wire.Connection.AsStream().WriteAsync("late"u8.ToArray()));
            }
        });

        Assert.That(System.Text.Encoding.Latin1.GetString(wire.Peer.ReadToEnd()), Is.EqualTo("last"));
        Assert.That(kernel.Count(KernelCall.Send), Is.EqualTo(1));
        wire.Peer.Send("still");
        Assert.That(await wire.ReadText(5), Is.EqualTo("still"));
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.None));
    }

    [Test]
    public async Task A_reset_behind_it_is_told_once_to_the_reader_and_by_Closed()
    {
        await using var wire = await Wire.Dial();
        var fired = 0;
        await using var registration = wire.Connection.Closed.Register(() => Interlocked.Increment(ref fired));
        wire.Connection.ShutdownSend();
        Assert.That(wire.Peer.EndsInOrder(), Is.True);
        var reading = wire.Connection.Input.ReadAsync().AsTask();

        wire.Peer.Reset();

        await Assert.ThrowsAsync<ConnectionResetException>(async () => await reading.Within());
        await Until.Canceled(wire.Connection.Closed);
        await wire.Settled();
        Assert.That((fired, wire.Connection.CloseReason), Is.EqualTo((1, CloseReason.Reset)));
    }
}
