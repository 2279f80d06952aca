using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>
/// A reset that is told as kqueue(2) does it: the error in the event, nothing of it in SO_ERROR, and a receive that finds an end in
/// good order. Bytes and FIN are real here; that it is a reset only the event says.
/// </summary>
[TestFixture]
public sealed class ResetInTheEventTests
{
    private const Readiness Ended = Readiness.Readable | Readiness.ReadClosed;

    private static readonly (Readiness Readiness, Errno Errno) ReadingReset = (Ended | Readiness.Error, Errno.ECONNRESET);
    private static readonly (Readiness Readiness, Errno Errno) WritingReset = (Readiness.Writable | Readiness.Error, Errno.ECONNRESET);

    // Each filter tells for itself: in either order, or one of them only in a later batch.
    private static readonly (Readiness Readiness, Errno Errno)[][] Orders =
    [
        [ReadingReset, WritingReset],
        [WritingReset, ReadingReset],
        [ReadingReset],
        [WritingReset],
        [(Readiness.Writable, Errno.None), ReadingReset],
        [(Ended, Errno.None), WritingReset],
    ];

    private static IEnumerable<TestCaseData> OrdersAndReaders() =>
        from order in Orders
        from reads in (bool[])[true, false]
        select new TestCaseData(order, reads).SetArgDisplayNames(string.Join(" | ", order.Select(static one => $"{one.Readiness} {one.Errno.Name}")), reads ? "read" : "unread");

    private static IEnumerable<TestCaseData> OrdersAlone() =>
        Orders.Select(static order => new TestCaseData([order]).SetArgDisplayNames(string.Join(" | ", order.Select(static one => $"{one.Readiness} {one.Errno.Name}"))));

    [TestCaseSource(nameof(OrdersAndReaders))]
    public async Task Bytes_come_first_then_the_reset_and_Closed_fires_once((Readiness Readiness, Errno Errno)[] told, bool someoneReads)
    {
        var kernel = new ScriptedKernel();
        var script = new EventScript(kernel);
        await using var wire = await Wire.Dial(kernel);
        var fired = CountOf(wire.Connection.Closed);
        var reading = someoneReads ? wire.Connection.Input.ReadAsync().AsTask() : null;
        await End(wire, script, "bytes");

        script.Give(wire.Loop, told);

        if (reading is not null)
        {
            var first = await reading.Within();
            Assert.That((first.Buffer.Length, first.IsCompleted), Is.EqualTo((5L, false)));
            wire.Connection.Input.AdvanceTo(first.Buffer.Start);
        }

        await Until.True(() => wire.Connection.CloseReason == CloseReason.Reset);
        Assert.That(await wire.ReadText(5), Is.EqualTo("bytes"));
        await ExpectReset(async () => await wire.Connection.Input.ReadAsync().Within());
        await ExpectReset(async () => await wire.Connection.Output.WriteAsync("late"u8.ToArray()).Within());
        await ExpectOver(wire, fired);
    }

    [TestCaseSource(nameof(OrdersAlone))]
    public async Task Nobody_reads_and_nothing_is_there_so_it_is_over_at_once((Readiness Readiness, Errno Errno)[] told)
    {
        var kernel = new ScriptedKernel();
        var script = new EventScript(kernel);
        await using var wire = await Wire.Dial(kernel);
        var fired = CountOf(wire.Connection.Closed);
        await End(wire, script, "");

        script.Give(wire.Loop, told);

        await Until.Canceled(wire.Connection.Closed);
        await ExpectOver(wire, fired);
        await ExpectReset(async () => await wire.Connection.Input.ReadAsync().Within());
    }

    [TestCaseSource(nameof(OrdersAndReaders))]
    public async Task A_pending_write_fails_and_sends_nothing_more((Readiness Readiness, Errno Errno)[] told, bool someoneReads)
    {
        var kernel = new ScriptedKernel { OnSend = static (_, _) => -(int)Errno.EAGAIN, OnGather = static (_, _) => -(int)Errno.EAGAIN };
        var script = new EventScript(kernel);
        await using var wire = await Wire.Dial(kernel);
        var fired = CountOf(wire.Connection.Closed);
        var reading = someoneReads ? wire.Connection.Input.ReadAsync().AsTask() : null;
        var flushing = wire.Connection.Output.WriteAsync(new byte[200_000]).AsTask();
        await End(wire, script, "");

        script.Give(wire.Loop, told);

        await ExpectReset(async () => await flushing.Within());
        await ExpectOver(wire, fired);

        // A FIN that was told by itself was an end in order, and the reset came after it.
        if (reading is not null && told[0].Readiness == Ended) Assert.That((await reading.Within()).IsCompleted, Is.True);
        else if (reading is not null) await ExpectReset(async () => await reading.Within());

        // Where the first event says no more than that there is room, that is tried.
        var triesFirst = told[0] is { Readiness: Readiness.Writable };
        Assert.That(kernel.Count(KernelCall.Send) + kernel.Count(KernelCall.Gather), Is.EqualTo(triesFirst ? 2 : 1));
    }

    [TestCaseSource(nameof(OrdersAlone))]
    public async Task A_pending_write_fails_at_once_though_bytes_wait_for_a_reader((Readiness Readiness, Errno Errno)[] told)
    {
        var kernel = new ScriptedKernel { OnSend = static (_, _) => -(int)Errno.EAGAIN, OnGather = static (_, _) => -(int)Errno.EAGAIN };
        var script = new EventScript(kernel);
        await using var wire = await Wire.Dial(kernel);
        var fired = CountOf(wire.Connection.Closed);
        var flushing = wire.Connection.Output.WriteAsync(new byte[200_000]).AsTask();
        await End(wire, script, "bytes");

        script.Give(wire.Loop, told);

        await ExpectReset(async () => await flushing.Within());
        await Until.Canceled(wire.Connection.Closed);
        Assert.That(await wire.ReadText(5), Is.EqualTo("bytes"));
        await ExpectReset(async () => await wire.Connection.Input.ReadAsync().Within());
        await ExpectOver(wire, fired);
    }

    [TestCaseSource(nameof(OrdersAlone))]
    public async Task After_our_own_half_close_it_is_a_reset_and_no_end_in_order((Readiness Readiness, Errno Errno)[] told)
    {
        var kernel = new ScriptedKernel();
        var script = new EventScript(kernel);
        await using var wire = await Wire.Dial(kernel);
        var fired = CountOf(wire.Connection.Closed);
        wire.Connection.ShutdownSend();
        await wire.Settled();
        await End(wire, script, "");

        // What EVFILT_WRITE says once our own side is shut: no news.
        script.Give(wire.Loop, (Readiness.Writable, Errno.None));
        await wire.Settled();
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.None));

        script.Give(wire.Loop, told);

        await Until.Canceled(wire.Connection.Closed);
        await ExpectReset(async () => await wire.Connection.Input.ReadAsync().Within());
        await ExpectOver(wire, fired);
    }

    [TestCase(0)]
    [TestCase(10_000)]
    public async Task A_close_that_waits_for_the_peer_waits_no_more(int lingerMs)
    {
        var isFull = lingerMs == 0;
        var kernel = new ScriptedKernel();
        if (isFull)
        {
            kernel.OnSend = static (_, _) => -(int)Errno.EAGAIN;
            kernel.OnGather = static (_, _) => -(int)Errno.EAGAIN;
        }

        var script = new EventScript(kernel);
        await using var wire = await Wire.Dial(kernel, new ConnectOptions { Linger = TimeSpan.FromMilliseconds(lingerMs), CloseTimeout = Timeout.InfiniteTimeSpan });
        var fired = CountOf(wire.Connection.Closed);
        if (isFull) await wire.Connection.Output.WriteAsync("unsent"u8.ToArray()).Within();
        var closing = wire.Connection.CloseAsync().AsTask();
        await wire.Settled();
        Assert.That(closing.IsCompleted, Is.False, "The test's own premise.");
        await End(wire, script, "");

        script.Give(wire.Loop, ReadingReset, WritingReset);

        await closing.Within();
        await ExpectOver(wire, fired);
    }

    [TestCase(Errno.ETIMEDOUT)]
    [TestCase(Errno.EHOSTUNREACH)]
    [TestCase(Errno.ENETDOWN)]
    [TestCase(Errno.ENOBUFS)]
    public async Task Another_error_is_told_with_its_errno_and_is_no_reset(Errno errno)
    {
        var kernel = new ScriptedKernel();
        var script = new EventScript(kernel);
        await using var wire = await Wire.Dial(kernel);
        await End(wire, script, "bytes");

        script.Give(wire.Loop, (Readiness.Writable | Readiness.Error, errno), (Ended | Readiness.Error, errno));

        await Until.Canceled(wire.Connection.Closed);
        Assert.That(await wire.ReadText(5), Is.EqualTo("bytes"));
        var error = await Assert.CatchAsync<ConnectionException>(async () => await wire.Connection.Input.ReadAsync().Within());
        Assert.That((error!.Errno, error is ConnectionResetException, wire.Connection.CloseReason), Is.EqualTo((errno, false, CloseReason.Failed)));
    }

    [Test]
    public async Task The_same_bytes_and_end_without_an_error_in_the_event_end_in_order()
    {
        var kernel = new ScriptedKernel();
        var script = new EventScript(kernel);
        await using var wire = await Wire.Dial(kernel);
        await End(wire, script, "bytes");

        script.Give(wire.Loop, (Ended, Errno.None), (Readiness.Writable, Errno.None));

        Assert.That(await wire.ReadText(5), Is.EqualTo("bytes"));
        Assert.That((await wire.Connection.Input.ReadAsync().Within()).IsCompleted, Is.True);
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.None), "Our own side is open.");
    }

    private static async Task End(Wire wire, EventScript script, string lastBytes)
    {
        script.Silence();
        await wire.Settled();
        wire.Peer.Send(lastBytes);
        wire.Peer.HalfClose();
        await Until.True(() => (script.Held & Readiness.ReadClosed) != 0);
    }

    private static async Task ExpectReset(Func<Task> code)
    {
        var error = await Assert.ThrowsAsync<ConnectionResetException>(code);
        Assert.That(error!.Errno, Is.EqualTo(Errno.ECONNRESET));
    }

    private static async Task ExpectOver(Wire wire, Func<int> fired)
    {
        await Until.True(() => wire.Loop.Counters.Registrations == 0);
        await wire.Settled();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(fired(), Is.EqualTo(1));
            Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.Reset));
            Assert.That(wire.Loop.Counters.RentedBuffers, Is.Zero);
        }
    }

    private static Func<int> CountOf(CancellationToken closed)
    {
        var fired = 0;
        closed.Register(() => Interlocked.Increment(ref fired));
        return () => Volatile.Read(ref fired);
    }
}
