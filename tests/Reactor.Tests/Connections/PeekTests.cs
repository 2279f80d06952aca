using System.Text;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Looking at input without taking it.</summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class PeekTests(bool onLoop)
{
    private readonly byte[] _buffer = new byte[100];
    private Wire _wire = null!;

    private Connection Connection => _wire.Connection;

    private RawPeer Peer => _wire.Peer;

    [SetUp]
    public async Task Connect() => _wire = await Wire.Dial();

    [TearDown]
    public async Task Disconnect() => await _wire.DisposeAsync();

    [Test]
    public Task Bytes_stay_for_the_next_peek_and_for_the_read() => Run(async () =>
    {
        Peer.Send("hello");

        Assert.That(await Peek(), Is.EqualTo("hello"));
        Assert.That(await Peek(), Is.EqualTo("hello"));
        Assert.That(await _wire.ReadText(5), Is.EqualTo("hello"));
    });

    [Test]
    public Task A_buffer_smaller_than_what_is_there_gets_its_beginning() => Run(async () =>
    {
        Peer.Send("hello");

        Assert.That(await Connection.PeekAsync(_buffer.AsMemory(0, 2)).Within(), Is.EqualTo(2));
        Assert.That(Encoding.Latin1.GetString(_buffer.AsSpan(0, 2)), Is.EqualTo("he"));
        Assert.That(await Connection.PeekAsync(Memory<byte>.Empty).Within(), Is.Zero);
        Assert.That(await _wire.ReadText(5), Is.EqualTo("hello"));
    });

    [Test]
    public Task Bytes_in_several_buffers_are_copied_together() => Run(async () =>
    {
        var message = new byte[150_000];
        new Random(8).NextBytes(message);
        Peer.Send(message);
        var read = await Connection.Input.ReadAtLeastAsync(message.Length).Within();
        Connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        Peer.Send("x");
        var copy = new byte[message.Length];

        Assert.That(await Connection.PeekAsync(copy).Within(), Is.EqualTo(message.Length));
        Assert.That(copy.AsSpan().SequenceEqual(message), Is.True);
    });

    [Test]
    public Task It_waits_for_the_first_byte() => Run(async () =>
    {
        var peeking = Connection.PeekAsync(_buffer).AsTask();
        await _wire.Settled();
        Assert.That(peeking.IsCompleted, Is.False);

        Peer.Send("x");

        Assert.That(await peeking.Within(), Is.EqualTo(1));
        Assert.That(await _wire.ReadText(1), Is.EqualTo("x"));
    });

    [Test]
    public Task The_end_is_zero_again_and_again_and_after_the_bytes_before_it() => Run(async () =>
    {
        Peer.Send("last");
        Peer.HalfClose();

        Assert.That(await Peek(), Is.EqualTo("last"));
        Assert.That(await _wire.ReadText(4), Is.EqualTo("last"));
        Assert.That(await Peek(), Is.Empty);
        Assert.That(await Peek(), Is.Empty);
        Assert.That((await Connection.Input.ReadAsync().Within()).IsCompleted, Is.True);
    });

    [Test]
    public Task A_cancelled_one_takes_nothing_and_the_next_goes_on() => Run(async () =>
    {
        using var cancel = new CancellationTokenSource();
        var peeking = Connection.PeekAsync(_buffer, cancel.Token).AsTask();
        await _wire.Settled();
        await cancel.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(async () => await peeking.Within());

        Peer.Send("x");
        Assert.That(await Peek(), Is.EqualTo("x"));
    });

    [Test]
    public Task CancelPendingRead_cancels_it_as_it_does_a_read() => Run(async () =>
    {
        var peeking = Connection.PeekAsync(_buffer).AsTask();
        await _wire.Settled();
        Connection.Input.CancelPendingRead();
        await Assert.CatchAsync<OperationCanceledException>(async () => await peeking.Within());

        Peer.Send("x");
        Assert.That(await Peek(), Is.EqualTo("x"));
    });

    [Test]
    public Task After_a_read_that_examined_everything_it_waits_for_more_and_shows_all() => Run(async () =>
    {
        Peer.Send("half a ");
        var read = await Connection.Input.ReadAtLeastAsync(7).Within();
        Connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);

        var peeking = Connection.PeekAsync(_buffer).AsTask();
        Peer.Send("line");

        Assert.That(await peeking.Within(), Is.GreaterThan(7));
        Assert.That(await _wire.ReadText(11), Is.EqualTo("half a line"));
    });

    [Test]
    public Task While_a_read_is_in_progress_it_is_refused() => Run(async () =>
    {
        Peer.Send("hello");
        var read = await Connection.Input.ReadAtLeastAsync(5).Within();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Connection.PeekAsync(_buffer).Within());
        Connection.Input.AdvanceTo(read.Buffer.End);

        var reading = Connection.Input.ReadAsync().AsTask();
        await _wire.Settled();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Connection.PeekAsync(_buffer).Within());
        Peer.Send("x");
        read = await reading.Within();
        Assert.That(read.Buffer.Length, Is.EqualTo(1));
        Connection.Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task A_reset_is_told_after_the_bytes_that_came_before() => Run(async () =>
    {
        Peer.Send("last");
        Assert.That(await Peek(), Does.StartWith("l"));
        Peer.Reset();
        await Until.True(() => Connection.CloseReason == CloseReason.Reset);

        Assert.That(await _wire.ReadText(4), Is.EqualTo("last"));
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await Connection.PeekAsync(_buffer).Within());
    });

    [Test]
    public Task After_close_it_is_a_ConnectionAbortedException() => Run(async () =>
    {
        await Connection.CloseAsync().Within();

        await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await Connection.PeekAsync(_buffer).Within());
    });

    private Task Run(Func<Task> part) => _wire.Run(onLoop, part);

    private async Task<string> Peek() => Encoding.Latin1.GetString(_buffer.AsSpan(0, await Connection.PeekAsync(_buffer).Within()));
}
