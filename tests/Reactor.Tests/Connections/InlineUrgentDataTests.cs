using System.Buffers;
using System.Text;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>With OutOfBandInline the urgent byte is in the stream, and only the mark tells it from the others.</summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class InlineUrgentDataTests(bool onLoop)
{
    private Wire _wire = null!;

    private Connection Connection => _wire.Connection;

    private RawPeer Peer => _wire.Peer;

    [SetUp]
    public async Task Connect() => _wire = await Wire.Dial(options: new ConnectOptions { OutOfBandInline = true });

    [TearDown]
    public async Task Disconnect() => await _wire.DisposeAsync();

    [Test]
    public Task Reading_stops_right_before_it() => Run(async () =>
    {
        KqueueLibrary.RequireUrgentNews();
        Peer.Send("before");
        Peer.SendUrgent('!');
        Peer.Send("after");
        await Peer.AllArrived();
        Assert.That(await Connection.IsAtMarkAsync().Within(), Is.False);

        Assert.That(await NextRead(), Is.EqualTo("before"));
        Assert.That(await Connection.IsAtMarkAsync().Within(), Is.True);
        Assert.That(await _wire.ReadText(6), Is.EqualTo("!after"));
        Assert.That(await Connection.IsAtMarkAsync().Within(), Is.False);
    });

    [Test]
    public Task Discarding_to_the_mark_leaves_it_as_the_next_byte() => Run(async () =>
    {
        KqueueLibrary.RequireUrgentNews();
        Peer.Send(new byte[20_000]);
        Peer.SendUrgent('!');
        Peer.Send("after");
        await Peer.AllArrived();

        Assert.That(await Connection.DiscardToMarkAsync().Within(), Is.EqualTo(20_000));
        Assert.That(await _wire.ReadText(6), Is.EqualTo("!after"));
    });

    [Test]
    public Task One_that_is_overtaken_stays_in_the_stream() => Run(async () =>
    {
        KqueueLibrary.RequireUrgentNews();
        Peer.Send("aaa");
        Peer.SendUrgent('1');
        Peer.SendUrgent('2');
        Peer.Send("bbb");
        Peer.SendUrgent('3');
        Peer.Send("ccc");
        await Peer.AllArrived();

        Assert.That(await NextRead(), Is.EqualTo("aaa12bbb"));
        Assert.That(await Connection.IsAtMarkAsync().Within(), Is.True);
        Assert.That(await _wire.ReadText(4), Is.EqualTo("3ccc"));
    });

    [Test]
    public Task Each_of_many_is_marked_in_its_turn() => Run(async () =>
    {
        KqueueLibrary.RequireUrgentNews();
        for (var i = 0; i < 100; i++)
        {
            Peer.Send("ab");
            Peer.SendUrgent('!');
            await Peer.AllArrived();

            Assert.That(await Connection.DiscardToMarkAsync().Within(), Is.EqualTo(2));
            Assert.That(await Connection.IsAtMarkAsync().Within(), Is.True);
            Assert.That(await _wire.ReadText(1), Is.EqualTo("!"));
        }
    });

    [Test]
    public Task It_cannot_be_asked_for_by_itself() => Run(async () =>
    {
        Peer.SendUrgent('!');

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Connection.ReceiveUrgentAsync().Within());
        Assert.That(await _wire.ReadText(1), Is.EqualTo("!"));
    });

    [Test]
    public Task A_waiting_read_is_woken_by_it() => Run(async () =>
    {
        var reading = Connection.Input.ReadAsync().AsTask();
        await _wire.Settled();

        Peer.SendUrgent('!');

        var read = await reading.Within();
        Assert.That(Encoding.Latin1.GetString(read.Buffer.ToArray()), Is.EqualTo("!"));
        Connection.Input.AdvanceTo(read.Buffer.End);
    });

    [Test]
    public async Task An_accepted_connection_has_it_in_the_stream_as_its_listener_says()
    {
        KqueueLibrary.RequireUrgentNews();
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, new ListenOptions { OutOfBandInline = true }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        peer.Send("ab");
        peer.SendUrgent('!');
        peer.Send("cd");

        Assert.That(peer.ReadText(5), Is.EqualTo("ab!cd"));
    }

    private Task Run(Func<Task> part) => _wire.Run(onLoop, part);

    private async Task<string> NextRead()
    {
        var read = await Connection.Input.ReadAsync().Within();
        var text = Encoding.Latin1.GetString(read.Buffer.ToArray());
        Connection.Input.AdvanceTo(read.Buffer.End);
        return text;
    }
}
