using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The loop stops, and what it tells to one makes that one abort all that is left: others are still to be told.</summary>
[TestFixture]
public sealed class AbortInTheLastTurnTests
{
    [TestCase(true)]
    [TestCase(false)]
    public async Task A_pending_flush_of_another_connection_is_told(bool otherWasFirst)
    {
        var kernel = new ScriptedKernel { OnSend = static (_, _) => -(int)Errno.EAGAIN, OnGather = static (_, _) => -(int)Errno.EAGAIN };
        var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();
        var first = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        using var peerOfFirst = listener.Accept();
        var second = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        using var peerOfSecond = listener.Accept();
        var (reader, other) = otherWasFirst ? (second, first) : (first, second);

        async Task ReadToTheEndAndAbort()
        {
            var read = await reader.Input.ReadAsync();
            reader.Input.AdvanceTo(read.Buffer.End);
            other.Abort();
            reader.Abort();
        }

        var (flushing, owner) = await loop.InvokeAsync(() => (other.Output.WriteAsync(new byte[1_000_000]).AsTask(), ReadToTheEndAndAbort())).Within();
        Assert.That((flushing.IsCompleted, owner.IsCompleted), Is.EqualTo((false, false)), "The test's own premise.");

        // Asked for before, so that it has to be told.
        var closed = other.Closed;
        await loop.DisposeAsync().Within();

        await owner.Within();
        var error = await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await flushing.Within());
        Assert.That(error!.Reason, Is.EqualTo(CloseReason.Aborted));
        await Until.Canceled(closed);
        Assert.That((reader.CloseReason, other.CloseReason), Is.EqualTo((CloseReason.Aborted, CloseReason.Aborted)));
    }
}
