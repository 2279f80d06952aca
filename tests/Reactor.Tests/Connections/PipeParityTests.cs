using System.IO.Pipelines;
using System.Text;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>
/// The corners of PipeReader's contract, each asked of the framework's own Pipe as well: what it answers is what a
/// connection has to.
/// </summary>
[TestFixture(Reader.OfPipe)]
[TestFixture(Reader.OfConnectionOnTheLoop)]
[TestFixture(Reader.OfConnectionElsewhere)]
public sealed class PipeParityTests(PipeParityTests.Reader reader)
{
    private Wire? _wire;
    private Pipe? _pipe;

    public enum Reader
    {
        OfPipe,
        OfConnectionOnTheLoop,
        OfConnectionElsewhere,
    }

    // The one thing in which a connection does better: it looks whether there is a read before it takes anything.
    private bool TakesBeforeItThrows => _pipe is not null;

    private PipeReader Input => _pipe?.Reader ?? _wire!.Connection.Input;

    [SetUp]
    public async Task Open()
    {
        if (reader == Reader.OfPipe)
            _pipe = new Pipe();
        else
            _wire = await Wire.Dial();
    }

    [TearDown]
    public async Task Close()
    {
        if (_wire is not null)
            await _wire.DisposeAsync();
        (_wire, _pipe) = (null, null);
    }

    [Test]
    public Task AdvanceTo_before_any_read_throws() => Run(async () =>
    {
        Assert.Throws<InvalidOperationException>(() => Input.AdvanceTo(default));

        await Send("x");
        Assert.That(await ReadText(1), Is.EqualTo("x"));
    });

    [Test]
    public Task AdvanceTo_while_a_read_is_pending_throws_and_the_read_goes_on() => Run(async () =>
    {
        var reading = Input.ReadAsync();

        Assert.Throws<InvalidOperationException>(() => Input.AdvanceTo(default));

        await Send("x");
        var read = await reading;
        Assert.That(Text(read), Is.EqualTo("x"));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task AdvanceTo_while_a_read_for_more_is_pending_throws() => Run(async () =>
    {
        await Send("ab");
        var former = await Input.ReadAtLeastAsync(2);
        Input.AdvanceTo(former.Buffer.Start, former.Buffer.End);
        var reading = Input.ReadAsync();

        Assert.Throws<InvalidOperationException>(() => Input.AdvanceTo(former.Buffer.End));

        await Send("c");
        var read = await reading;
        Assert.That(Text(read), Is.EqualTo(TakesBeforeItThrows ? "c" : "abc"));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task A_second_AdvanceTo_throws() => Run(async () =>
    {
        await Send("abcdef");
        var read = await Input.ReadAtLeastAsync(6);
        Input.AdvanceTo(read.Buffer.GetPosition(1));

        Assert.Throws<InvalidOperationException>(() => Input.AdvanceTo(read.Buffer.GetPosition(2)));

        var rest = TakesBeforeItThrows ? "cdef" : "bcdef";
        Assert.That(await ReadText(rest.Length), Is.EqualTo(rest));
    });

    [Test]
    public Task A_second_AdvanceTo_after_everything_was_consumed_throws() => Run(async () =>
    {
        await Send("a");
        var read = await Input.ReadAsync();
        Input.AdvanceTo(read.Buffer.End);

        Assert.Throws<InvalidOperationException>(() => Input.AdvanceTo(read.Buffer.End));

        await Send("b");
        Assert.That(await ReadText(1), Is.EqualTo("b"));
    });

    [Test]
    public Task A_cancelled_read_without_bytes_owes_no_AdvanceTo() => Run(async () =>
    {
        Input.CancelPendingRead();
        Assert.That((await Input.ReadAsync()).IsCanceled, Is.True);

        await Send("x");
        Assert.That(await ReadText(1), Is.EqualTo("x"));
    });

    [Test]
    public Task A_cancelled_read_that_carries_bytes_owes_no_AdvanceTo() => Run(async () =>
    {
        await SendAndTakeOne("abcdef");
        Input.CancelPendingRead();
        var read = await Input.ReadAsync();
        Assert.That((read.IsCanceled, Text(read)), Is.EqualTo((true, "bcdef")));

        read = await Input.ReadAsync();

        Assert.That((read.IsCanceled, Text(read)), Is.EqualTo((false, "bcdef")));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task A_cancelled_TryRead_that_carries_bytes_owes_no_AdvanceTo() => Run(async () =>
    {
        await SendAndTakeOne("abcdef");
        Input.CancelPendingRead();
        Assert.That(Input.TryRead(out var read), Is.True);
        Assert.That((read.IsCanceled, Text(read)), Is.EqualTo((true, "bcdef")));

        Assert.That(Input.TryRead(out read), Is.True);

        Assert.That((read.IsCanceled, Text(read)), Is.EqualTo((false, "bcdef")));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task A_cancelled_read_that_carries_bytes_may_be_advanced_over_as_well() => Run(async () =>
    {
        await SendAndTakeOne("abcdef");
        Input.CancelPendingRead();
        var read = await Input.ReadAsync();
        Assert.That(read.IsCanceled, Is.True);

        Input.AdvanceTo(read.Buffer.GetPosition(2));

        Assert.That(await ReadText(3), Is.EqualTo("def"));
    });

    [Test]
    public Task A_pending_read_that_is_cancelled_with_bytes_before_it_owes_no_AdvanceTo() => Run(async () =>
    {
        await Send("ab");
        var read = await Input.ReadAtLeastAsync(2);
        Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        var reading = Input.ReadAsync();
        Input.CancelPendingRead();
        read = await reading;
        Assert.That((read.IsCanceled, Text(read)), Is.EqualTo((true, "ab")));

        reading = Input.ReadAsync();
        await Send("c");
        read = await reading;

        Assert.That((read.IsCanceled, Text(read)), Is.EqualTo((false, "abc")));
        Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public Task The_reader_as_a_stream_goes_on_after_a_cancelled_read() => Run(() => ExpectToGoOn(Input.AsStream()));

    [Test]
    public Task The_connection_as_a_stream_goes_on_after_a_cancelled_read() =>
        Run(() => ExpectToGoOn(_wire is null ? Input.AsStream() : _wire.Connection.AsStream()));

    private static string Text(in ReadResult read) => Encoding.Latin1.GetString(read.Buffer);

    private Task Run(Func<Task> part) => _wire is null ? part().Within() : _wire.Run(reader == Reader.OfConnectionOnTheLoop, part);

    private async Task Send(string text)
    {
        if (_pipe is not null)
            await _pipe.Writer.WriteAsync(Encoding.Latin1.GetBytes(text));
        else
            _wire!.Peer.Send(text);
    }

    private async Task SendAndTakeOne(string text)
    {
        await Send(text);
        var read = await Input.ReadAtLeastAsync(text.Length);
        Input.AdvanceTo(read.Buffer.GetPosition(1));
    }

    private async Task<string> ReadText(int count)
    {
        var read = await Input.ReadAtLeastAsync(count);
        var text = Text(read);
        Input.AdvanceTo(read.Buffer.End);
        return text;
    }

    private async Task ExpectToGoOn(Stream stream)
    {
        var one = new byte[1];
        await Send("abc");
        await stream.ReadExactlyAsync(one);
        Input.CancelPendingRead();
        await Assert.CatchAsync<OperationCanceledException>(async () => await stream.ReadExactlyAsync(one));

        await stream.ReadExactlyAsync(one);

        Assert.That(one, Is.EqualTo("b"u8.ToArray()));
        await stream.ReadExactlyAsync(one);
        Assert.That(one, Is.EqualTo("c"u8.ToArray()));
    }
}
