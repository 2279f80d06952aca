using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A connection's output keeps the contract of PipeWriter, for code on the loop and for code elsewhere.</summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class WriterContractTests(bool onLoop)
{
    private ScriptedKernel _kernel = null!;
    private Wire _wire = null!;
    private Faucet _faucet = null!;

    private PipeWriter Output => _wire.Connection.Output;

    private RawPeer Peer => _wire.Peer;

    [SetUp]
    public async Task Connect()
    {
        _kernel = new ScriptedKernel();
        _faucet = new Faucet(_kernel);
        _wire = await Wire.Dial(_kernel);
    }

    [TearDown]
    public async Task Disconnect()
    {
        TakeAll();
        await _wire.DisposeAsync();
    }

    [Test]
    public Task Nothing_is_sent_before_it_is_flushed() => Run(async () =>
    {
        Output.Write("not yet"u8);
        Assert.That(Output.CanGetUnflushedBytes, Is.True);
        Assert.That(Output.UnflushedBytes, Is.EqualTo(7));
        await _wire.Settled();
        Assert.That(_wire.Loop.Counters.BytesSent, Is.Zero);

        var flushed = await Output.FlushAsync();

        Assert.That((flushed.IsCanceled, flushed.IsCompleted), Is.EqualTo((false, false)));
        Assert.That(Output.UnflushedBytes, Is.Zero);
        Assert.That(await PeerText(7), Is.EqualTo("not yet"));
    });

    [Test]
    public Task A_flush_of_nothing_is_done_at_once_and_sends_nothing() => Run(async () =>
    {
        await Output.FlushAsync();
        await Output.WriteAsync(ReadOnlyMemory<byte>.Empty);

        Assert.That(_kernel.Count(KernelCall.Send) + _kernel.Count(KernelCall.Gather), Is.Zero);
    });

    [Test]
    public Task GetMemory_gives_what_is_asked_for_however_much() => Run(async () =>
    {
        Assert.That(Output.GetMemory().Length, Is.GreaterThan(0));
        Assert.That(Output.GetSpan(1).Length, Is.GreaterThanOrEqualTo(1));
        var memory = Output.GetMemory(1_000_000);
        Assert.That(memory.Length, Is.GreaterThanOrEqualTo(1_000_000));
        memory.Span.Fill(7);
        Output.Advance(1_000_000);
        var reading = Task.Run(() => Peer.ReadExactly(1_000_000));

        await Output.FlushAsync();

        Assert.That((await reading).All(static value => value == 7), Is.True);
    });

    [Test]
    public Task Memory_that_is_given_again_keeps_what_was_advanced_over() => Run(async () =>
    {
        foreach (var letter in "hello")
        {
            Output.GetSpan(1)[0] = (byte)letter;
            Output.Advance(1);
        }

        await Output.FlushAsync();

        Assert.That(await PeerText(5), Is.EqualTo("hello"));
    });

    [Test]
    public Task Advance_past_what_GetMemory_gave_throws() => Run(() =>
    {
        var given = Output.GetMemory(16).Length;

        Assert.Throws<ArgumentOutOfRangeException>(() => Output.Advance(given + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Output.Advance(-1));
        Output.Advance(0);
        return Task.CompletedTask;
    });

    [Test]
    public Task Advance_without_GetMemory_throws() => Run(() =>
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Output.Advance(1));
        Output.Advance(0);
        return Task.CompletedTask;
    });

    [Test]
    public Task A_negative_hint_throws() => Run(() =>
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Output.GetMemory(-1));
        return Task.CompletedTask;
    });

    [Test]
    public Task What_was_written_before_WriteAsync_goes_out_before_it() => Run(async () =>
    {
        Output.Write("first "u8);
        await Output.WriteAsync("second "u8.ToArray());
        Output.Write("third"u8);
        await Output.FlushAsync();

        Assert.That(await PeerText(18), Is.EqualTo("first second third"));
    });

    [Test]
    public Task A_write_may_be_changed_as_soon_as_its_flush_is_done() => Run(async () =>
    {
        TakeOnly(3);
        var mine = "precious"u8.ToArray();

        await Output.WriteAsync(mine);
        mine.AsSpan().Fill((byte)'x');
        TakeAll();

        Assert.That(await PeerText(8), Is.EqualTo("precious"));
    });

    [Test]
    public Task Order_is_kept_across_queued_and_direct_sends() => Run(async () =>
    {
        TakeOnly(1);
        await Output.WriteAsync("abc"u8.ToArray());
        await Output.WriteAsync("def"u8.ToArray());
        Output.Write("ghi"u8);
        await Output.WriteAsync("jkl"u8.ToArray());
        TakeAll();
        await Output.WriteAsync("mno"u8.ToArray());

        Assert.That(await PeerText(15), Is.EqualTo("abcdefghijklmno"));
    });

    [Test]
    public Task Who_asks_a_pending_flush_for_its_result_is_told_and_the_flush_goes_on() => Run(async () =>
    {
        for (var i = 0; i < 2; i++)
        {
            TakeOnly(0);
            var message = Letters(200_000);
            var flushing = Output.WriteAsync(message);
            var source = flushing;
            await _wire.Settled();

            Assert.Throws<InvalidOperationException>(() => _ = source.Result);

            TakeAll();
            Assert.That((await flushing).IsCanceled, Is.False);
            Assert.That((await PeerBytes(message.Length)).AsSpan().SequenceEqual(message), Is.True);
        }
    });

    [Test]
    public Task CancelPendingFlush_ends_the_waiting_and_not_the_sending() => Run(async () =>
    {
        TakeOnly(0);
        var message = Letters(200_000);
        var flushing = Output.WriteAsync(message);
        await _wire.Settled();
        Assert.That(flushing.IsCompleted, Is.False);

        Output.CancelPendingFlush();
        var flushed = await flushing;
        Assert.That(flushed.IsCanceled, Is.True);
        var expected = message.ToArray();
        message.AsSpan().Clear();

        TakeAll();
        Assert.That((await PeerBytes(expected.Length)).AsSpan().SequenceEqual(expected), Is.True);
        Assert.That((await Output.FlushAsync()).IsCanceled, Is.False);
    });

    [Test]
    public Task CancelPendingFlush_before_a_flush_cancels_the_next_and_sends_it_all_the_same() => Run(async () =>
    {
        Output.CancelPendingFlush();
        await _wire.Settled();

        Assert.That((await Output.WriteAsync("sent"u8.ToArray())).IsCanceled, Is.True);
        Assert.That(await PeerText(4), Is.EqualTo("sent"));
        Assert.That((await Output.FlushAsync()).IsCanceled, Is.False);
    });

    [Test]
    public Task A_token_ends_the_waiting_and_not_the_sending() => Run(async () =>
    {
        TakeOnly(0);
        using var source = new CancellationTokenSource();
        var message = Letters(200_000);
        var flushing = Output.WriteAsync(message, source.Token).AsTask();
        await _wire.Settled();
        Assert.That(flushing.IsCompleted, Is.False);

        await source.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(async () => await flushing);

        TakeAll();
        Assert.That((await PeerBytes(message.Length)).AsSpan().SequenceEqual(message), Is.True);
        await Output.FlushAsync();
    });

    [Test]
    public Task A_token_that_is_cancelled_already_ends_the_flush_at_once() => Run(async () =>
    {
        await Assert.CatchAsync<OperationCanceledException>(async () => await Output.WriteAsync("unsent"u8.ToArray(), new CancellationToken(canceled: true)));

        await Output.WriteAsync("sent"u8.ToArray());
        Assert.That(await PeerText(4), Is.EqualTo("sent"));
    });

    [Test]
    public Task A_second_flush_while_one_waits_throws() => Run(async () =>
    {
        TakeOnly(0);
        var flushing = Output.WriteAsync(Letters(200_000));
        await _wire.Settled();

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Output.FlushAsync());

        TakeAll();
        await PeerBytes(200_000);
        await flushing;
    });

    [Test]
    public Task What_is_written_while_a_flush_waits_goes_out_with_the_next() => Run(async () =>
    {
        TakeOnly(0);
        var flushing = Output.WriteAsync(Letters(200_000));
        await _wire.Settled();

        Output.Write("written meanwhile"u8);
        TakeAll();
        Assert.That((await PeerBytes(200_000)).AsSpan().SequenceEqual(Letters(200_000)), Is.True);
        await flushing;
        await _wire.Settled();
        Assert.That(_wire.Loop.Counters.BytesSent, Is.EqualTo(200_000));
        await Output.FlushAsync();

        Assert.That(await PeerText(17), Is.EqualTo("written meanwhile"));
    });

    [Test]
    public Task Complete_sends_what_was_written_and_then_FIN() => Run(async () =>
    {
        Output.Write("unflushed"u8);
        await Output.CompleteAsync();

        Assert.That(Encoding.Latin1.GetString(await Task.Run(Peer.ReadToEnd)), Is.EqualTo("unflushed"));
    });

    [Test]
    public Task Complete_with_an_exception_resets_so_that_no_one_takes_it_for_a_good_end() => Run(async () =>
    {
        await Output.CompleteAsync(new InvalidDataException("broken midway"));

        Assert.That(await Task.Run(Peer.EndsInOrder), Is.False);
    });

    [Test]
    public Task Writing_after_Complete_throws_and_a_second_Complete_is_nothing() => Run(async () =>
    {
        await Output.CompleteAsync();
        await Output.CompleteAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Output.WriteAsync("late"u8.ToArray()));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Output.FlushAsync());
        Assert.Throws<InvalidOperationException>(() => Output.GetMemory());
    });

    [Test]
    public Task More_segments_than_IOV_MAX_go_out_in_one_flush() => Run(async () =>
    {
        const int pieces = 1_100;
        var expected = new MemoryStream();
        for (var i = 0; i < pieces; i++)
        {
            // Asking for a whole buffer's room each time gives each piece a segment of its own.
            var memory = Output.GetMemory(64 * 1024);
            memory.Span[..10].Fill((byte)i);
            Output.Advance(10);
            expected.Write(memory.Span[..10]);
        }

        var reading = Task.Run(() => Peer.ReadExactly(pieces * 10));
        await Output.FlushAsync();

        Assert.That((await reading).AsSpan().SequenceEqual(expected.ToArray()), Is.True);
    });

    private static byte[] Letters(int count)
    {
        var letters = new byte[count];
        for (var i = 0; i < count; i++)
            letters[i] = (byte)('a' + (i % 26));
        return letters;
    }

    private void TakeOnly(int room) => _faucet.Give(_wire.Loop, room);

    private void TakeAll() => _faucet.Give(_wire.Loop, int.MaxValue);

    // Elsewhere, since the loop that sends may be the one that runs this test.
    private Task<byte[]> PeerBytes(int count) => Task.Run(() => Peer.ReadExactly(count));

    private Task<string> PeerText(int count) => Task.Run(() => Peer.ReadText(count));

    private Task Run(Func<Task> part) => _wire.Run(onLoop, part);
}
