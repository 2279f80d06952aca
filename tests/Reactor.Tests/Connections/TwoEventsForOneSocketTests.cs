using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>
/// Reading and writing told as two events of one batch, as kqueue(2) does it, and who hears of the first closes the connection: the
/// second finds no one, though another connection has the slot by then.
/// </summary>
[TestFixture]
public sealed class TwoEventsForOneSocketTests
{
    private const Readiness Ended = Readiness.Readable | Readiness.ReadClosed;

    private ScratchDirectory _directory = null!;
    private RawListener _other = null!;

    [SetUp]
    public void Listen_in_the_Unix_domain()
    {
        _directory = new ScratchDirectory();
        _other = RawListener.Start(new UnixDomainSocketEndPoint(_directory.File("s")));
    }

    [TearDown]
    public void Stop_listening()
    {
        _other.Dispose();
        _directory.Dispose();
    }

    [TestCase(Readiness.Readable, Readiness.Writable, false)]
    [TestCase(Readiness.Readable, Readiness.Writable, true)]
    [TestCase(Ended, Readiness.Writable, false)]
    [TestCase(Ended, Readiness.Writable | Readiness.Error, true)]
    public async Task The_reader_closes_in_the_event_for_reading(Readiness first, Readiness second, bool aborts)
    {
        var kernel = new ScriptedKernel();
        var script = new EventScript(kernel);
        await using var wire = await Wire.Dial(kernel);
        var handling = wire.Loop.InvokeAsync(async () =>
        {
            var read = await wire.Connection.Input.ReadAsync();
            wire.Connection.Input.AdvanceTo(read.Buffer.End);
            return await ReplaceAsync(wire, script, aborts);
        });

        script.Silence();
        wire.Peer.Send("go");
        await Until.True(() => (script.Held & Readiness.Readable) != 0);
        Give(wire.Loop, script, first, second);

        await ExpectOver(wire, await handling.Within(), aborts);
    }

    [TestCase(Readiness.Writable, Readiness.Readable, false)]
    [TestCase(Readiness.Writable, Readiness.Readable, true)]
    [TestCase(Readiness.Writable, Ended | Readiness.Error, false)]
    [TestCase(Readiness.Writable, Ended | Readiness.Error, true)]
    public async Task The_writer_closes_in_the_event_for_writing(Readiness first, Readiness second, bool aborts)
    {
        var kernel = new ScriptedKernel { OnSend = static (_, _) => -(int)Errno.EAGAIN, OnGather = static (_, _) => -(int)Errno.EAGAIN };
        var script = new EventScript(kernel);
        await using var wire = await Wire.Dial(kernel);
        var read = wire.Loop.InvokeAsync(() => wire.Connection.Input.ReadAsync().AsTask());
        var handling = wire.Loop.InvokeAsync(async () =>
        {
            await wire.Connection.Output.WriteAsync(new byte[200_000]);
            return await ReplaceAsync(wire, script, aborts);
        });
        script.Silence();
        wire.Peer.Send("unheard");
        await Until.True(() => (script.Held & Readiness.Readable) != 0);
        kernel.OnSend = null;
        kernel.OnGather = null;
        var received = wire.Loop.Counters.BytesReceived;

        Give(wire.Loop, script, first, second);

        var other = await handling.Within();
        await Assert.CatchAsync<ConnectionAbortedException>(async () => await read.Within());
        Assert.That(wire.Loop.Counters.BytesReceived, Is.EqualTo(received));
        await ExpectOver(wire, other, aborts);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Told_in_either_order_reading_and_writing_both_go_on(bool readingFirst)
    {
        var kernel = new ScriptedKernel { OnSend = static (_, _) => -(int)Errno.EAGAIN, OnGather = static (_, _) => -(int)Errno.EAGAIN };
        var script = new EventScript(kernel);
        await using var wire = await Wire.Dial(kernel);
        var reading = wire.Connection.Input.ReadAsync().AsTask();
        var flushing = wire.Connection.Output.WriteAsync(new byte[200_000]).AsTask();
        await wire.Settled();
        script.Silence();
        wire.Peer.Send("hello");
        await Until.True(() => (script.Held & Readiness.Readable) != 0);
        kernel.OnSend = null;
        kernel.OnGather = null;

        (Readiness First, Readiness Second) = readingFirst ? (Readiness.Readable, Readiness.Writable) : (Readiness.Writable, Readiness.Readable);
        Give(wire.Loop, script, First, Second);

        var read = await reading.Within();
        Assert.That(read.Buffer.Length, Is.EqualTo(5));
        wire.Connection.Input.AdvanceTo(read.Buffer.End);
        await Task.Run(() => wire.Peer.ReadExactly(200_000)).Within();
        await flushing.Within();
    }

    private static void Give(EventLoop loop, EventScript script, Readiness first, Readiness second) =>
        script.Give(loop, (first, Errno.None), (second, (second & Readiness.Error) != 0 ? Errno.ECONNRESET : Errno.None));

    // A Unix-domain connect is done at once: the other connection is there before the second event is looked at.
    private async Task<Connection> ReplaceAsync(Wire wire, EventScript script, bool aborts)
    {
        var token = script.LastAdded;
        var turn = wire.Loop.Turn;
        if (aborts) wire.Connection.Abort();
        else await wire.Connection.CloseAsync();
        var other = await wire.Loop.ConnectAsync(_other.LocalEndPoint);
        Assert.That((script.LastAdded.Slot, wire.Loop.Turn), Is.EqualTo((token.Slot, turn)), "The test's own premise.");
        return other;
    }

    private async Task ExpectOver(Wire wire, Connection other, bool aborts)
    {
        await Until.Canceled(wire.Connection.Closed);
        await wire.Settled();
        Assert.That((wire.Connection.CloseReason, other.CloseReason), Is.EqualTo((aborts ? CloseReason.Aborted : CloseReason.ClosedLocally, CloseReason.None)));
        Assert.That(wire.Loop.Counters.Registrations, Is.EqualTo(1));

        using var peer = _other.Accept();
        peer.Send("mine");
        var read = await other.Input.ReadAtLeastAsync(4).Within();
        Assert.That(read.Buffer.Length, Is.EqualTo(4));
        other.Input.AdvanceTo(read.Buffer.End);
        await other.CloseAsync().Within();
    }
}
