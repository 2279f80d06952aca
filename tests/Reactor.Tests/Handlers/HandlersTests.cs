using System.Text;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The small servers that come with the framework.</summary>
[TestFixture]
public sealed class HandlersTests
{
    [Test]
    public async Task Echo_sends_back_what_it_receives_and_ends_with_it()
    {
        var (loop, peer) = await Serve(Handlers.Echo);
        await using (loop)
        using (peer)
        {
            peer.Send("hello\n");
            Assert.That(peer.ReadText(6), Is.EqualTo("hello\n"));
            peer.Send("again");
            peer.HalfClose();
            Assert.That(Encoding.Latin1.GetString(peer.ReadToEnd()), Is.EqualTo("again"));
            await Until.True(() => loop.Counters.Connections == 0);
        }
    }

    [Test]
    public async Task Uppercase_raises_a_to_z_and_leaves_every_other_byte_alone()
    {
        var (loop, peer) = await Serve(Handlers.Uppercase);
        await using (loop)
        using (peer)
        {
            var all = Enumerable.Range(0, 256).Select(static value => (byte)value).ToArray();
            var expected = all.Select(static value => value is >= (byte)'a' and <= (byte)'z' ? (byte)(value - 32) : value).ToArray();

            peer.Send(all);

            Assert.That(peer.ReadExactly(256), Is.EqualTo(expected));
        }
    }

    [Test]
    public async Task Uppercase_leaves_UTF_8_letters_beyond_ASCII_alone()
    {
        var (loop, peer) = await Serve(Handlers.Uppercase);
        await using (loop)
        using (peer)
        {
            var message = Encoding.UTF8.GetBytes("grüße, ñandú, привет, 你好");
            peer.Send(message);

            Assert.That(Encoding.UTF8.GetString(peer.ReadExactly(message.Length)), Is.EqualTo("GRüßE, ñANDú, привет, 你好"));
        }
    }

    [Test]
    public async Task Uppercase_of_a_million_bytes_in_random_pieces()
    {
        var random = Seed.NewRandom();
        var message = new byte[1_000_000];
        random.NextBytes(message);
        var expected = message.Select(static value => value is >= (byte)'a' and <= (byte)'z' ? (byte)(value - 32) : value).ToArray();
        var (loop, peer) = await Serve(Handlers.Uppercase);
        await using (loop)
        using (peer)
        {
            var sending = Task.Run(() =>
            {
                for (var at = 0; at < message.Length;)
                {
                    var count = Math.Min(random.Next(1, 50_000), message.Length - at);
                    peer.Send(message.AsSpan(at, count));
                    at += count;
                }

                peer.HalfClose();
            });

            var answer = await Task.Run(peer.ReadToEnd).Within();

            await sending;
            Assert.That(answer.AsSpan().SequenceEqual(expected), Is.True);
        }
    }

    [Test]
    public async Task Discard_reads_everything_and_says_nothing()
    {
        var (loop, peer) = await Serve(Handlers.Discard);
        await using (loop)
        using (peer)
        {
            peer.Send(new byte[300_000]);
            peer.HalfClose();

            Assert.That(peer.ReadToEnd(), Is.Empty);
            Assert.That(loop.Counters.BytesReceived, Is.EqualTo(300_000));
        }
    }

    [Test]
    public async Task Chargen_sends_the_pattern_of_RFC_864()
    {
        var (loop, peer) = await Serve(Handlers.Chargen);
        await using (loop)
        using (peer)
        {
            // 95 printing characters, 72 to a line, each line beginning one later; then it begins anew.
            for (var line = 0; line < 200; line++)
            {
                var expected = new StringBuilder();
                for (var column = 0; column < 72; column++)
                    expected.Append((char)(' ' + ((line + column) % 95)));
                Assert.That(peer.ReadText(74), Is.EqualTo(expected + "\r\n"));
            }

            peer.Reset();
            await Until.True(() => loop.Counters.Connections == 0);
        }
    }

    [Test]
    public async Task Chargen_goes_on_for_one_that_has_ended_its_own_side()
    {
        var (loop, peer) = await Serve(Handlers.Chargen);
        await using (loop)
        using (peer)
        {
            peer.HalfClose();

            Assert.That(peer.ReadExactly(1_000_000), Has.Length.EqualTo(1_000_000));
            peer.Reset();
            await Until.True(() => loop.Counters.Connections == 0);
        }
    }

    [Test]
    public void Without_a_connection_each_refuses()
    {
        foreach (var handler in (ConnectionHandler[])[Handlers.Echo, Handlers.Uppercase, Handlers.Discard, Handlers.Chargen])
            Assert.That(async () => await handler(null!), Throws.ArgumentNullException);
    }

    private static async Task<(EventLoop Loop, RawPeer Peer)> Serve(ConnectionHandler handler)
    {
        var loop = TestLoop.Start(shutdownTimeout: TimeSpan.FromSeconds(1));
        var listener = await loop.ListenAsync(Loopback.AnyPort, handler).Within();
        return (loop, RawPeer.Dial(listener.LocalEndPoint));
    }
}
