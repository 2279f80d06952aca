using System.Buffers;
using System.Text;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>TCP's urgent byte, taken out of the stream (tcp(7), RFC 6093); called from a handler on the loop and from anywhere else.</summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class UrgentDataTests(bool onLoop)
{
    private Wire _wire = null!;

    private Connection Connection => _wire.Connection;

    private RawPeer Peer => _wire.Peer;

    [SetUp]
    public async Task Connect() => _wire = await Wire.Dial(options: new ConnectOptions { ReceiveBufferSize = 4 * 1024 * 1024 });

    [TearDown]
    public async Task Disconnect() => await _wire.DisposeAsync();

    [Test]
    public Task It_comes_while_a_megabyte_that_was_sent_before_it_is_unread() => Run(async () =>
    {
        var ordinary = new byte[await UrgentBytes.MostUnread()];
        new Random(1).NextBytes(ordinary);
        Peer.Send(ordinary);
        Peer.SendUrgent('!');
        Peer.Send("after");

        Assert.That(await Connection.ReceiveUrgentAsync().Within(), Is.EqualTo((byte)'!'));
        Assert.That(_wire.Loop.Counters.BytesReceived, Is.EqualTo(1), "Nobody has read.");

        var read = await Connection.Input.ReadAtLeastAsync(ordinary.Length + 5).Within();
        Assert.That(read.Buffer.Slice(0, ordinary.Length).ToArray().AsSpan().SequenceEqual(ordinary), Is.True);
        Assert.That(Encoding.Latin1.GetString(read.Buffer.Slice(ordinary.Length).ToArray()), Is.EqualTo("after"));
        Connection.Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task Who_waits_for_it_is_told_when_it_comes() => Run(async () =>
    {
        KqueueLibrary.RequireUrgentNews();
        var waiting = Connection.ReceiveUrgentAsync().AsTask();
        Peer.Send("ordinary");
        Assert.That(await _wire.ReadText(8), Is.EqualTo("ordinary"));
        Assert.That(waiting.IsCompleted, Is.False);

        Peer.SendUrgent('!');

        Assert.That(await waiting.Within(), Is.EqualTo((byte)'!'));
    });

    [Test]
    public Task Reading_stops_at_the_mark_which_is_nowhere_else() => Run(async () =>
    {
        Assert.That(await Connection.IsAtMarkAsync().Within(), Is.False, "Nothing urgent was ever sent.");
        Peer.Send("before");
        Peer.SendUrgent('!');
        Peer.Send("after");
        Assert.That(await Connection.ReceiveUrgentAsync().Within(), Is.EqualTo((byte)'!'));
        await Peer.AllArrived();
        Assert.That(await Connection.IsAtMarkAsync().Within(), Is.False);

        Assert.That(await NextRead(), Is.EqualTo("before"));
        Assert.That(await Connection.IsAtMarkAsync().Within(), Is.True);
        Assert.That(await NextRead(), Is.EqualTo("after"));
        Assert.That(await Connection.IsAtMarkAsync().Within(), Is.False);
    });

    [Test]
    public Task Discarding_to_the_mark_leaves_what_follows() => Run(async () =>
    {
        Peer.Send(new byte[200_000]);
        Peer.SendUrgent('!');
        Peer.Send("after");
        Assert.That(await Connection.ReceiveUrgentAsync().Within(), Is.EqualTo((byte)'!'));

        Assert.That(await Connection.DiscardToMarkAsync().Within(), Is.EqualTo(200_000));
        Assert.That(await Connection.IsAtMarkAsync().Within(), Is.True);
        Assert.That(await Connection.DiscardToMarkAsync().Within(), Is.Zero, "It is there already.");
        Assert.That(await _wire.ReadText(5), Is.EqualTo("after"));
    });

    [Test]
    public Task Discarding_to_the_mark_discards_what_was_received_and_not_consumed() => Run(async () =>
    {
        Peer.Send("half a li");
        var read = await Connection.Input.ReadAtLeastAsync(9).Within();
        Connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        Peer.Send("ne, and more");
        Peer.SendUrgent('!');
        Peer.Send("after");
        Assert.That(await Connection.ReceiveUrgentAsync().Within(), Is.EqualTo((byte)'!'));

        Assert.That(await Connection.DiscardToMarkAsync().Within(), Is.EqualTo("half a line, and more".Length));
        Assert.That(await _wire.ReadText(5), Is.EqualTo("after"));
    });

    [Test]
    public Task Discarding_ends_with_the_input_where_there_is_no_mark() => Run(async () =>
    {
        Peer.Send("ten bytes.");
        Peer.HalfClose();

        Assert.That(await Connection.DiscardToMarkAsync().Within(), Is.EqualTo(10));
        Assert.That((await Connection.Input.ReadAsync().Within()).IsCompleted, Is.True);
    });

    [Test]
    public Task Discarding_is_cancelled_and_reading_goes_on() => Run(async () =>
    {
        using var cancel = new CancellationTokenSource();
        var discarding = Connection.DiscardToMarkAsync(cancel.Token).AsTask();
        await _wire.Settled();
        await cancel.CancelAsync();

        await Assert.CatchAsync<OperationCanceledException>(async () => await discarding.Within());
        Peer.Send("on");
        Assert.That(await _wire.ReadText(2), Is.EqualTo("on"));
    });

    [Test]
    public Task One_that_the_next_overtakes_at_once_is_lost() => Run(async () =>
    {
        Peer.SendUrgent('1');
        Peer.SendUrgent('2');
        await Peer.AllArrived();
        Peer.Send("after");

        Assert.That(await Connection.ReceiveUrgentAsync().Within(), Is.EqualTo((byte)'2'));
        Assert.That(await _wire.ReadText(5), Is.EqualTo("after"));
    });

    [Test]
    public Task One_that_a_later_one_overtakes_is_urgent_no_more_and_an_ordinary_byte_of_the_stream() => Run(async () =>
    {
        // Linux moves its one mark ahead, and what it marked before is data like any other.
        Peer.Send("aaa");
        Peer.SendUrgent('1');
        Peer.Send("bbb");
        Peer.SendUrgent('2');
        await Peer.AllArrived();

        Assert.That(await Connection.ReceiveUrgentAsync().Within(), Is.EqualTo((byte)'2'));
        Assert.That(await NextRead(), Is.EqualTo("aaa1bbb"));
        Assert.That(await Connection.IsAtMarkAsync().Within(), Is.True);
    });

    [Test]
    public Task Waiting_that_was_cancelled_loses_nothing() => Run(async () =>
    {
        for (var i = 0; i < 10; i++)
        {
            using var cancel = new CancellationTokenSource();
            var waiting = Connection.ReceiveUrgentAsync(cancel.Token).AsTask();
            await cancel.CancelAsync();
            await Assert.CatchAsync<OperationCanceledException>(async () => await waiting.Within());

            Peer.SendUrgent((char)('a' + i));
            Assert.That(await Connection.ReceiveUrgentAsync().Within(), Is.EqualTo((byte)('a' + i)));
        }
    });

    [Test]
    public Task Cancelled_at_the_very_moment_it_comes_it_is_for_one_of_both_calls() => Run(async () =>
    {
        KqueueLibrary.RequireUrgentNews();
        for (var i = 0; i < 100; i++)
        {
            using var cancel = new CancellationTokenSource();
            var waiting = Connection.ReceiveUrgentAsync(cancel.Token).AsTask();
            var cancelling = Task.Run(cancel.Cancel);
            Peer.SendUrgent('!');
            byte? got = null;
            try
            {
                got = await waiting.Within();
            }
            catch (OperationCanceledException)
            {
                got = await Connection.ReceiveUrgentAsync().Within();
            }

            Assert.That(got, Is.EqualTo((byte)'!'));
            await cancelling.Within();
        }
    });

    [Test]
    public Task Two_that_wait_at_once_are_one_too_many() => Run(async () =>
    {
        KqueueLibrary.RequireUrgentNews();
        var waiting = Connection.ReceiveUrgentAsync().AsTask();
        await _wire.Settled();

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Connection.ReceiveUrgentAsync().Within());

        Peer.SendUrgent('!');
        Assert.That(await waiting.Within(), Is.EqualTo((byte)'!'), "The first goes on waiting.");
    });

    [Test]
    public Task The_end_of_the_input_is_null_after_the_byte_that_came_before() => Run(async () =>
    {
        Peer.SendUrgent('!');
        Peer.HalfClose();
        await _wire.Settled();

        Assert.That(await Connection.ReceiveUrgentAsync().Within(), Is.EqualTo((byte)'!'));
        Assert.That(await Connection.ReceiveUrgentAsync().Within(), Is.Null);
        Assert.That(await Connection.ReceiveUrgentAsync().Within(), Is.Null);
        Assert.That(Connection.CloseReason, Is.EqualTo(CloseReason.None));
    });

    [Test]
    public Task Who_waits_is_told_of_the_end_of_the_input() => Run(async () =>
    {
        var waiting = Connection.ReceiveUrgentAsync().AsTask();
        await _wire.Settled();

        Peer.HalfClose();

        Assert.That(await waiting.Within(), Is.Null);
    });

    [Test]
    public Task Who_waits_is_told_of_a_reset_and_so_is_who_asks_later() => Run(async () =>
    {
        var waiting = Connection.ReceiveUrgentAsync().AsTask();
        await _wire.Settled();

        Peer.Reset();

        await Assert.ThrowsAsync<ConnectionResetException>(async () => await waiting.Within());
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await Connection.ReceiveUrgentAsync().Within());
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await Connection.SendUrgentAsync((byte)'!').Within());
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await Connection.IsAtMarkAsync().Within());
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await Connection.DiscardToMarkAsync().Within());
    });

    [Test]
    public Task Who_waits_is_told_when_we_close() => Run(async () =>
    {
        var waiting = Connection.ReceiveUrgentAsync().AsTask();
        await _wire.Settled();

        await Connection.CloseAsync().Within();

        var error = await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await waiting.Within());
        Assert.That(error!.Reason, Is.EqualTo(CloseReason.ClosedLocally));
        await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await Connection.IsAtMarkAsync().Within());
    });

    [Test]
    public Task A_waiting_read_is_not_woken_by_it_and_the_loop_does_not_spin() => Run(async () =>
    {
        var reading = Connection.Input.ReadAsync().AsTask();
        Peer.SendUrgent('!');
        await Peer.AllArrived();
        await _wire.Settled();
        var turns = _wire.Loop.Counters.Turns;
        await _wire.Loop.After(TimeSpan.FromMilliseconds(100));

        Assert.That(reading.IsCompleted, Is.False);
        Assert.That(_wire.Loop.Counters.Turns - turns, Is.LessThan(20), "It stays announced until it is taken.");
        Peer.Send("bytes");
        var read = await reading.Within();
        Assert.That(Encoding.Latin1.GetString(read.Buffer.ToArray()), Is.EqualTo("bytes"));
        Connection.Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task Nobody_who_asks_for_them_does_not_disturb_the_stream() => Run(async () =>
    {
        KqueueLibrary.RequireUrgentNews();
        for (var i = 0; i < 200; i++)
        {
            Peer.Send("ab");
            Peer.SendUrgent('!');
            Peer.Send("cd");
            await Peer.AllArrived();
            Assert.That(await _wire.ReadText(4), Is.EqualTo("abcd"));
        }
    });

    [Test]
    public Task It_is_not_lost_when_the_reader_is_ahead_of_its_event() => Run(async () =>
    {
        // After the first, a short receive does not mean any more that the socket is empty, and the next may pass the second.
        Peer.SendUrgent('1');
        Assert.That(await Connection.ReceiveUrgentAsync().Within(), Is.EqualTo((byte)'1'));
        var waiting = Connection.ReceiveUrgentAsync().AsTask();
        await _wire.Settled();

        await _wire.Loop.InvokeAsync(() =>
        {
            Peer.Send("a");
            Peer.SendUrgent('2');
            Peer.Send("b");
            Peer.AllArrived().GetAwaiter().GetResult();
            while (Connection.Input.TryRead(out var read))
                Connection.Input.AdvanceTo(read.Buffer.End);
        }).Within();

        Assert.That(await waiting.Within(), Is.EqualTo((byte)'2'));
    });

    private Task Run(Func<Task> part) => _wire.Run(onLoop, part);

    private async Task<string> NextRead()
    {
        var read = await Connection.Input.ReadAsync().Within();
        var text = Encoding.Latin1.GetString(read.Buffer.ToArray());
        Connection.Input.AdvanceTo(read.Buffer.End);
        return text;
    }
}
