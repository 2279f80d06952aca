using System.Text;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The connection is closed by somebody else, or by the stopping loop, while its reader has a buffer in hand.</summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class ClosedWhileReadingTests(bool onLoop)
{
    [Test]
    public async Task The_next_read_is_told_of_the_end()
    {
        await using var wire = await Wire.Dial();
        await wire.Run(onLoop, async () =>
        {
            wire.Peer.Send("abc");
            var read = await wire.Connection.Input.ReadAsync();

            await wire.Connection.CloseAsync();

            wire.Connection.Input.AdvanceTo(read.Buffer.End);
            await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await wire.Connection.Input.ReadAsync());
        });
    }

    [Test]
    public async Task A_result_that_is_fetched_only_after_the_end_is_whole()
    {
        await using var wire = await Wire.Dial();
        var reading = await wire.Connection.Loop.InvokeAsync(() => wire.Connection.Input.ReadAsync()).Within();
        wire.Peer.Send("abc");
        await Until.True(() => reading.IsCompleted);

        await wire.Connection.CloseAsync();

        var read = await reading;
        Assert.That(Encoding.ASCII.GetString(read.Buffer), Is.EqualTo("abc"));
        Assert.That((read.IsCompleted, read.IsCanceled), Is.EqualTo((false, false)));
    }

    [Test]
    public async Task A_pending_read_is_told_of_the_end_also_when_AdvanceTo_is_called_out_of_turn()
    {
        await using var wire = await Wire.Dial();
        await wire.Run(onLoop, async () =>
        {
            var reading = wire.Connection.Input.ReadAsync().AsTask();

            await wire.Connection.CloseAsync();
            try
            {
                wire.Connection.Input.AdvanceTo(default);
            }
            catch (InvalidOperationException)
            {
                // As good: it is the caller's mistake.
            }

            await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await reading.Within());
        });
    }

    [Test]
    public async Task A_dialled_connection_whose_owner_works_on_what_it_read_is_not_closed_under_its_hands()
    {
        await using var wire = await Wire.Dial();
        var worksOnIt = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var workIsDone = new TaskCompletionSource();
        var owner = wire.Run(onLoop, async () =>
        {
            wire.Peer.Send("abc");
            var read = await wire.Connection.Input.ReadAsync();
            worksOnIt.SetResult();
            await workIsDone.Task;
            wire.Connection.Input.AdvanceTo(read.Buffer.End);
            await wire.Connection.Output.WriteAsync("done"u8.ToArray());
            await wire.Connection.CloseAsync();
        });
        await worksOnIt.Task.Within();

        var ending = wire.Loop.DisposeAsync().AsTask();
        await Until.Canceled(wire.Loop.Stopping);
        await wire.Settled();
        workIsDone.SetResult();

        await owner;
        await ending.Within();
        Assert.That(wire.Peer.ReadText(4), Is.EqualTo("done"));
    }
}
