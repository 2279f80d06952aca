using System.Globalization;
using System.Text;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A connection that waits with a little unread or unsent holds a small buffer, and grows out of it and back without a byte lost.</summary>
[TestFixture]
public sealed class SmallBuffersTests
{
    private const int Many = 1_000;

    // The buffer, what stands about it, and what a waiting read costs; a full buffer alone would be 64 KiB.
    private const int MostPerConnection = 4 * 1024;

    [Test]
    public async Task A_thousand_half_lines_cost_little_more_than_a_thousand_idle_connections()
    {
        KqueueLibrary.RequireRoomForThousands();
        DescriptorLimit.NeedOrSkip((2 * Many) + 500);
        await using var loop = TestLoop.Start();
        var halves = 0;
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            while (true)
            {
                var read = await connection.Input.ReadAsync();
                if (read.IsCompleted)
                    return;
                halves++;
                connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }).Within();
        var peers = Enumerable.Range(0, Many).Select(_ => RawPeer.Dial(listener.LocalEndPoint)).ToArray();
        await Until.True(() => listener.Active == Many);
        await loop.Settled();
        var idle = GC.GetTotalMemory(forceFullCollection: true);

        foreach (var peer in peers)
            peer.Send("GET / HTTP/1.1");
        await Until.True(() => halves == Many);
        await loop.Settled();

        var each = (GC.GetTotalMemory(forceFullCollection: true) - idle) / Many;
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{each} bytes a connection that waits with half a line"));
        Assert.That(loop.Counters.RentedBuffers, Is.EqualTo(Many));
        foreach (var peer in peers)
            peer.Dispose();
        await Until.True(() => listener.Active == 0);
        Assert.That(each, Is.LessThan(MostPerConnection));
    }

    [Test]
    public async Task A_thousand_peers_that_never_read_cost_little_while_they_are_sent_a_little()
    {
        KqueueLibrary.RequireRoomForThousands();
        DescriptorLimit.NeedOrSkip((2 * Many) + 500);
        var kernel = new ScriptedKernel();
        var takes = true;
        kernel.OnSend = (descriptor, data) => Volatile.Read(ref takes) ? kernel.Real.Send(descriptor, data) : -(int)Errno.EAGAIN;
        kernel.OnGather = (descriptor, vectors) => Volatile.Read(ref takes) ? kernel.Real.Send(descriptor, vectors) : -(int)Errno.EAGAIN;
        await using var loop = TestLoop.Start(kernel);
        var connections = new List<Connection>();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            connections.Add(connection);
            await connection.Input.ReadAsync();
        }).Within();
        var peers = Enumerable.Range(0, Many).Select(_ => RawPeer.Dial(listener.LocalEndPoint)).ToArray();
        await Until.True(() => listener.Active == Many);
        await loop.Settled();
        var idle = GC.GetTotalMemory(forceFullCollection: true);

        // Nine times a hundred bytes, now and then, to each of them: less than a small buffer has room for.
        Volatile.Write(ref takes, value: false);
        for (var i = 0; i < 9; i++)
            await loop.InvokeAsync(() => Task.WhenAll(connections.Select(connection => connection.Output.WriteAsync(Letter(i)).AsTask()))).Within();

        var each = (GC.GetTotalMemory(forceFullCollection: true) - idle) / Many;
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{each} bytes a connection whose peer does not read"));
        Assert.That(loop.Counters.RentedBuffers, Is.EqualTo(Many));

        // What is behind it goes out with it, in order.
        Volatile.Write(ref takes, value: true);
        foreach (var connection in connections.ToArray())
            await connection.Output.WriteAsync("end"u8.ToArray()).Within();
        await loop.InvokeAsync(() =>
        {
            // The refusals were not the kernel's, which therefore has no room to tell of.
            foreach (var connection in connections)
                ((IRegistrant)connection).OnEvents(new PollEvent(default, Readiness.Writable));
        }).Within();
        var expected = string.Concat(Enumerable.Range(0, 9).Select(static i => Encoding.Latin1.GetString(Letter(i)))) + "end";
        foreach (var peer in peers)
        {
            Assert.That(peer.ReadText(903), Is.EqualTo(expected));
            peer.Dispose();
        }

        await Until.True(() => listener.Active == 0);
        Assert.That(each, Is.LessThan(MostPerConnection));

        static byte[] Letter(int i) => [.. Enumerable.Repeat((byte)('a' + i), 100)];
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_line_that_comes_byte_by_byte_grows_out_of_the_small_buffer(bool onLoop)
    {
        const int bytes = 3_000;
        await using var wire = await Wire.Dial();
        var sent = new byte[bytes];
        new Random(9).NextBytes(sent);
        var mostRented = 0;

        await wire.Run(onLoop, async () =>
        {
            var have = 0L;
            for (var i = 0; i < bytes; i++)
            {
                wire.Peer.Send(sent.AsSpan(i, 1));
                while (have < i + 1)
                {
                    var read = await wire.Connection.Input.ReadAsync().Within();
                    have = read.Buffer.Length;
                    wire.Connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                    mostRented = Math.Max(mostRented, wire.Loop.Counters.RentedBuffers);
                }
            }

            wire.Peer.HalfClose();
            var all = await wire.Connection.Input.ReadAsync().Within();
            Assert.That(System.Buffers.BuffersExtensions.ToArray(all.Buffer).AsSpan().SequenceEqual(sent), Is.True);
            wire.Connection.Input.AdvanceTo(all.Buffer.End);
        });

        Assert.That(mostRented, Is.LessThanOrEqualTo(3));
        Assert.That(wire.Loop.Counters.RentedBuffers, Is.Zero);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Random_pieces_consumed_in_random_pieces_stay_in_order(bool onLoop)
    {
        var random = Seed.NewRandom();
        var message = new byte[2_000_000];
        random.NextBytes(message);
        await using var wire = await Wire.Dial();
        var sizes = Sizes(random, message.Length);
        var sending = Task.Factory.StartNew(
            () =>
            {
                var at = 0;
                foreach (var size in sizes)
                {
                    wire.Peer.Send(message.AsSpan(at, size));
                    at += size;
                }

                wire.Peer.HalfClose();
            },
            TaskCreationOptions.LongRunning);

        using var got = new MemoryStream();
        await wire.Run(onLoop, async () =>
        {
            while (true)
            {
                var read = await wire.Connection.Input.ReadAsync();
                if (read.IsCompleted && read.Buffer.IsEmpty)
                    return;

                // Often nothing, and then what is left waits, small or large.
                var take = random.Next(3) == 0 && !read.IsCompleted ? 0 : random.NextInt64(0, read.Buffer.Length + 1);
                if (read.IsCompleted)
                    take = read.Buffer.Length;
                foreach (var piece in read.Buffer.Slice(0, take))
                    got.Write(piece.Span);
                wire.Connection.Input.AdvanceTo(read.Buffer.GetPosition(take), read.Buffer.End);
            }
        });

        await sending.Within();
        Assert.That(got.ToArray().AsSpan().SequenceEqual(message), Is.True);
        Assert.That(wire.Loop.Counters.RentedBuffers, Is.Zero);
    }

    [Test]
    public async Task Random_writes_behind_a_peer_that_takes_random_pieces_stay_in_order()
    {
        var random = Seed.NewRandom();
        var kernel = new ScriptedKernel();
        var faucet = new Faucet(kernel);
        await using var wire = await Wire.Dial(kernel, new ConnectOptions { SendHighWatermark = 64 * 1024 * 1024 });
        var message = new byte[300_000];
        random.NextBytes(message);
        faucet.Close();

        var at = 0;
        foreach (var size in Sizes(random, message.Length))
        {
            await wire.Connection.Output.WriteAsync(message.AsMemory(at, size)).Within();
            at += size;
            if (random.Next(4) == 0)
                await Give(random.Next(1, 5_000));
        }

        wire.Connection.ShutdownSend();
        await Give(int.MaxValue);

        Assert.That((await Task.Run(wire.Peer.ReadToEnd).Within()).AsSpan().SequenceEqual(message), Is.True);
        Assert.That(wire.Loop.Counters.RentedBuffers, Is.Zero);

        // On the loop, so that no send is under way that the former room was for.
        Task Give(int room) => wire.Loop.InvokeAsync(() => faucet.Give(wire.Loop, room)).Within();
    }

    // Most are a few bytes, some just about a small buffer, a few larger than a large one.
    private static List<int> Sizes(Random random, int total)
    {
        var sizes = new List<int>();
        while (total > 0)
        {
            var size = random.Next(10) switch
            {
                < 6 => random.Next(1, 200),
                < 8 => random.Next(1_000, 1_050),
                8 => random.Next(1, 5_000),
                _ => random.Next(60_000, 70_000),
            };
            sizes.Add(Math.Min(size, total));
            total -= sizes[^1];
        }

        return sizes;
    }
}
