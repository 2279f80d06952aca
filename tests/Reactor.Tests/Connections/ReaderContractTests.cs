using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A connection's input keeps the contract of PipeReader, for code on the loop and for code elsewhere.</summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class ReaderContractTests(bool onLoop)
{
    private Wire _wire = null!;

    private PipeReader Input => _wire.Connection.Input;

    private RawPeer Peer => _wire.Peer;

    [SetUp]
    public async Task Connect() => _wire = await Wire.Dial();

    [TearDown]
    public async Task Disconnect() => await _wire.DisposeAsync();

    [Test]
    public Task What_was_consumed_is_gone_and_what_was_not_comes_again() => Run(async () =>
    {
        Peer.Send("hello world");
        var read = await Input.ReadAtLeastAsync(11);
        Input.AdvanceTo(read.Buffer.GetPosition(6));

        read = await Input.ReadAsync();

        Assert.That(Text(read), Is.EqualTo("world"));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task Everything_examined_and_nothing_consumed_waits_for_new_bytes() => Run(async () =>
    {
        Peer.Send("hel");
        var read = await Input.ReadAtLeastAsync(3);
        Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);

        var reading = Input.ReadAsync();
        Assert.That(reading.IsCompleted, Is.False);
        Peer.Send("lo");
        read = await reading;

        Assert.That(Text(read), Does.StartWith("hel").And.Length.GreaterThan(3));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task What_was_not_examined_comes_at_once() => Run(async () =>
    {
        Peer.Send("hello");
        var read = await Input.ReadAtLeastAsync(5);
        Input.AdvanceTo(read.Buffer.Start, read.Buffer.GetPosition(3));

        var again = Input.ReadAsync();

        Assert.That(again.IsCompleted, Is.True);
        read = await again;
        Assert.That(Text(read), Is.EqualTo("hello"));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task A_slow_consumer_sees_the_buffer_grow_byte_by_byte() => Run(async () =>
    {
        for (var length = 1; length <= 200; length++)
        {
            Peer.Send([(byte)length]);
            var read = await Input.ReadAsync();

            Assert.That(read.Buffer.Length, Is.EqualTo(length));
            Assert.That(read.Buffer.ToArray()[^1], Is.EqualTo((byte)length));
            Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    });

    [Test]
    public Task A_message_larger_than_any_buffer_is_assembled_over_many_reads() => Run(async () =>
    {
        var message = new byte[1_000_000];
        new Random(1).NextBytes(message);
        var sending = Task.Run(() => Peer.Send(message));

        while (true)
        {
            var read = await Input.ReadAsync();
            if (read.Buffer.Length < message.Length)
            {
                Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            Assert.That(read.Buffer.ToArray().AsSpan().SequenceEqual(message), Is.True);
            Input.AdvanceTo(read.Buffer.End);
            break;
        }

        await sending;
    });

    [Test]
    public Task Consuming_in_odd_pieces_over_buffer_borders_loses_nothing() => Run(async () =>
    {
        var random = Seed.NewRandom();
        var message = new byte[500_000];
        random.NextBytes(message);
        var sending = Task.Run(() => Peer.Send(message));

        var examined = 0L;
        for (var done = 0; done < message.Length;)
        {
            var read = await Input.ReadAsync();
            var take = (int)Math.Min(read.Buffer.Length, random.Next(1, 100_000));
            Assert.That(read.Buffer.Slice(0, take).ToArray().AsSpan().SequenceEqual(message.AsSpan(done, take)), Is.True);

            // What was examined stays so.
            var least = Math.Max(take, examined - done);
            var examine = random.NextInt64(least, read.Buffer.Length + 1);
            Input.AdvanceTo(read.Buffer.GetPosition(take), read.Buffer.GetPosition(examine));
            examined = done + examine;
            done += take;
        }

        await sending;
    });

    [Test]
    public Task AdvanceTo_backwards_throws() => Run(async () =>
    {
        Peer.Send("hello");
        var read = await Input.ReadAtLeastAsync(5);

        Assert.Throws<InvalidOperationException>(() => Input.AdvanceTo(read.Buffer.End, read.Buffer.Start));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task Examining_less_than_before_throws() => Run(async () =>
    {
        Peer.Send("hello");
        var read = await Input.ReadAtLeastAsync(5);
        Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        Peer.Send("!");
        read = await Input.ReadAsync();

        Assert.Throws<InvalidOperationException>(() => Input.AdvanceTo(read.Buffer.Start, read.Buffer.GetPosition(2)));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task Bytes_that_fill_the_room_exactly_are_followed_by_the_next() => Run(async () =>
    {
        // A receive of exactly the room does not say whether more is there.
        var room = BufferSegment.DefaultSize;
        for (var round = 0; round < 3; round++)
        {
            var sending = Task.Run(() => Peer.Send(new byte[room]));
            for (var got = 0L; got < room;)
            {
                var read = await Input.ReadAsync();
                got += read.Buffer.Length;
                Input.AdvanceTo(read.Buffer.End);
            }

            await sending;
        }

        Peer.Send("next");
        var last = await Input.ReadAtLeastAsync(4);
        Assert.That(Text(last), Is.EqualTo("next"));
        Input.AdvanceTo(last.Buffer.End);
    });

    [Test]
    public Task AdvanceTo_a_position_of_another_sequence_throws() => Run(async () =>
    {
        Peer.Send("hello");
        var read = await Input.ReadAtLeastAsync(5);

        Assert.Throws<InvalidOperationException>(() => Input.AdvanceTo(new ReadOnlySequence<byte>(new byte[3]).End));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task AdvanceTo_without_a_read_or_twice_throws() => Run(async () =>
    {
        Assert.Throws<InvalidOperationException>(() => Input.AdvanceTo(default));
        Peer.Send("hello");
        var read = await Input.ReadAtLeastAsync(5);
        Input.AdvanceTo(read.Buffer.GetPosition(1));

        Assert.Throws<InvalidOperationException>(() => Input.AdvanceTo(read.Buffer.GetPosition(2)));
    });

    [Test]
    public Task After_a_cancelled_read_AdvanceTo_is_allowed_and_not_owed() => Run(async () =>
    {
        Peer.Send("kept");
        var read = await Input.ReadAtLeastAsync(4);
        Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        Input.CancelPendingRead();
        Assert.That((await Input.ReadAsync()).IsCanceled, Is.True);
        Input.CancelPendingRead();
        read = await Input.ReadAsync();
        Assert.That((read.IsCanceled, Text(read)), Is.EqualTo((true, "kept")));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task Two_reads_at_once_throw() => Run(async () =>
    {
        var reading = Input.ReadAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Input.ReadAsync());
        Assert.Throws<InvalidOperationException>(() => Input.TryRead(out _));

        Peer.Send("a");
        Input.AdvanceTo((await reading).Buffer.End);
    });

    [Test]
    public Task A_read_before_AdvanceTo_of_the_former_throws() => Run(async () =>
    {
        Peer.Send("a");
        var read = await Input.ReadAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Input.ReadAsync());

        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task CancelPendingRead_ends_the_pending_read_without_bytes_and_only_that_one() => Run(async () =>
    {
        var reading = Input.ReadAsync();
        Assert.That(reading.IsCompleted, Is.False);

        Input.CancelPendingRead();
        var read = await reading;
        Assert.That((read.IsCanceled, read.IsCompleted, read.Buffer.Length), Is.EqualTo((true, false, 0L)));
        Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);

        Peer.Send("next");
        read = await Input.ReadAtLeastAsync(4);
        Assert.That((read.IsCanceled, Text(read)), Is.EqualTo((false, "next")));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task CancelPendingRead_before_a_read_cancels_the_next() => Run(async () =>
    {
        Input.CancelPendingRead();
        await _wire.Settled();

        var read = await Input.ReadAsync();

        Assert.That(read.IsCanceled, Is.True);
        Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        Peer.Send("a");
        read = await Input.ReadAsync();
        Assert.That((read.IsCanceled, Text(read)), Is.EqualTo((false, "a")));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task CancelPendingRead_hands_out_what_is_buffered_and_loses_nothing() => Run(async () =>
    {
        Peer.Send("kept");
        var read = await Input.ReadAtLeastAsync(4);
        Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        var reading = Input.ReadAsync();

        Input.CancelPendingRead();
        read = await reading;

        Assert.That((read.IsCanceled, Text(read)), Is.EqualTo((true, "kept")));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task A_token_ends_the_pending_read_and_the_next_one_goes_on() => Run(async () =>
    {
        using var source = new CancellationTokenSource();
        var reading = Input.ReadAsync(source.Token).AsTask();
        Assert.That(reading.IsCompleted, Is.False);

        await source.CancelAsync();
        var error = await Assert.CatchAsync<OperationCanceledException>(async () => await reading);
        Assert.That(error!.CancellationToken, Is.EqualTo(source.Token));

        Peer.Send("after");
        var read = await Input.ReadAtLeastAsync(5);
        Assert.That(Text(read), Is.EqualTo("after"));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task A_token_that_is_cancelled_already_ends_the_read_at_once() => Run(async () =>
    {
        Peer.Send("kept");
        await Assert.CatchAsync<OperationCanceledException>(async () => await Input.ReadAsync(new CancellationToken(canceled: true)));

        var read = await Input.ReadAtLeastAsync(4);
        Assert.That(Text(read), Is.EqualTo("kept"));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task A_late_cancellation_of_a_finished_read_touches_nothing() => Run(async () =>
    {
        using var source = new CancellationTokenSource();
        var reading = Input.ReadAsync(source.Token);
        Peer.Send("a");
        Input.AdvanceTo((await reading).Buffer.End);

        await source.CancelAsync();
        var next = Input.ReadAsync();
        await _wire.Settled();
        Assert.That(next.IsCompleted, Is.False);
        Peer.Send("b");
        Input.AdvanceTo((await next).Buffer.End);
    });

    [Test]
    public Task TryRead_gives_what_is_there_and_says_when_nothing_is() => Run(async () =>
    {
        Assert.That(Input.TryRead(out _), Is.False);

        Peer.Send("ab");
        var read = await Input.ReadAtLeastAsync(2);
        Input.AdvanceTo(read.Buffer.GetPosition(1));

        Assert.That(Input.TryRead(out read), Is.True);
        Assert.That(Text(read), Is.EqualTo("b"));
        Input.AdvanceTo(read.Buffer.End);
        Assert.That(Input.TryRead(out _), Is.False);
    });

    [Test]
    public Task Reading_after_Complete_throws() => Run(async () =>
    {
        Peer.Send("unread");
        await Input.CompleteAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Input.ReadAsync());
        Assert.Throws<InvalidOperationException>(() => Input.TryRead(out _));
    });

    [Test]
    public Task Complete_with_an_exception_and_twice_is_allowed() => Run(async () =>
    {
        await Input.CompleteAsync(new InvalidDataException("not what I expected"));
        await Input.CompleteAsync();
    });

    [Test]
    public Task After_Complete_the_other_direction_still_works() => Run(async () =>
    {
        await Input.CompleteAsync();

        await _wire.Connection.Output.WriteAsync("still"u8.ToArray());

        Assert.That(Peer.ReadText(5), Is.EqualTo("still"));
    });

    [Test]
    public Task The_end_comes_after_all_bytes_and_stays() => Run(async () =>
    {
        Peer.Send("last");
        Peer.HalfClose();

        var read = await Input.ReadAtLeastAsync(100);
        Assert.That((read.IsCompleted, Text(read)), Is.EqualTo((true, "last")));
        Input.AdvanceTo(read.Buffer.End);
        for (var i = 0; i < 3; i++)
        {
            read = await Input.ReadAsync();
            Assert.That((read.IsCompleted, read.Buffer.Length), Is.EqualTo((true, 0L)));
            Input.AdvanceTo(read.Buffer.End);
        }

        Assert.That(Input.TryRead(out read), Is.True);
        Assert.That(read.IsCompleted, Is.True);
    });

    [Test]
    public Task The_end_is_told_to_who_has_examined_everything_before_it() => Run(async () =>
    {
        Peer.Send("half a message");
        var read = await Input.ReadAtLeastAsync(14);
        Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        var reading = Input.ReadAsync();

        Peer.HalfClose();
        read = await reading;

        Assert.That((read.IsCompleted, Text(read)), Is.EqualTo((true, "half a message")));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task ReadAtLeastAsync_waits_for_as_much_and_no_more() => Run(async () =>
    {
        var reading = Input.ReadAtLeastAsync(10);
        for (var i = 0; i < 10; i++)
        {
            Assert.That(reading.IsCompleted, Is.False);
            Peer.Send("x");
            await Until.True(() => Peer.Socket.Poll(0, System.Net.Sockets.SelectMode.SelectWrite));
        }

        var read = await reading;
        Assert.That(Text(read), Is.EqualTo("xxxxxxxxxx"));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task CopyToAsync_copies_everything_up_to_the_end() => Run(async () =>
    {
        var message = new byte[300_000];
        new Random(2).NextBytes(message);
        var sending = Task.Run(() =>
        {
            Peer.Send(message);
            Peer.HalfClose();
        });
        using var copy = new MemoryStream();

        await Input.CopyToAsync(copy);

        Assert.That(copy.ToArray().AsSpan().SequenceEqual(message), Is.True);
        await sending;
    });

    [Test]
    public Task CopyToAsync_into_another_pipe_copies_everything() => Run(async () =>
    {
        var pipe = new Pipe();
        Peer.Send("through");
        Peer.HalfClose();

        await Input.CopyToAsync(pipe.Writer);
        await pipe.Writer.CompleteAsync();

        var read = await pipe.Reader.ReadAtLeastAsync(7);
        Assert.That(Text(read), Is.EqualTo("through"));
        pipe.Reader.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task A_read_is_awaited_once() => Run(async () =>
    {
        var reading = Input.ReadAsync();
        Peer.Send("a");
        Input.AdvanceTo((await reading).Buffer.End);
        var next = Input.ReadAsync();

        // CA2012 is right, and this is the test of it.
#pragma warning disable CA2012
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await reading);
#pragma warning restore CA2012

        Peer.Send("b");
        Input.AdvanceTo((await next).Buffer.End);
    });

    private static string Text(in ReadResult read) => Encoding.Latin1.GetString(read.Buffer);

    private Task Run(Func<Task> part) => _wire.Run(onLoop, part);
}
