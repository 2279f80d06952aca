using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Many bytes, compared one by one.</summary>
[TestFixture]
public sealed class BulkTransferTests
{
    private const int Hundred = 100 * 1024 * 1024;

    [Test]
    public async Task A_hundred_megabytes_go_through_an_echo_byte_for_byte()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        var sending = Task.Run(() => SendPattern(peer));

        await Task.Run(() => ExpectPattern(peer)).WaitAsync(TimeSpan.FromMinutes(2));

        await sending.Within();
        peer.HalfClose();
        Assert.That(peer.ReadToEnd(), Is.Empty);
        await Until.True(() => loop.Counters.Connections == 0);
        Assert.That((loop.Counters.BytesReceived, loop.Counters.BytesSent), Is.EqualTo(((long)Hundred, (long)Hundred)));
        Assert.That(loop.Counters.RentedBuffers, Is.Zero);
    }

    [Test]
    public async Task A_hundred_megabytes_between_two_loops_through_small_windows()
    {
        await using var server = TestLoop.Start();
        await using var client = TestLoop.Start();
        await using var listener = await server.ListenAsync(Loopback.AnyPort, async connection =>
        {
            for (var sent = 0; sent < Hundred;)
            {
                var memory = connection.Output.GetMemory(16 * 1024);
                var count = Math.Min(memory.Length, Hundred - sent);
                Pattern.Fill(memory.Span[..count], sent);
                connection.Output.Advance(count);
                sent += count;
                await connection.Output.FlushAsync();
            }
        }).Within();
        await using var connection = await client.ConnectAsync(listener.LocalEndPoint).Within();

        var received = await client.InvokeAsync(async () =>
        {
            long at = 0;
            while (true)
            {
                var read = await connection.Input.ReadAsync();
                foreach (var piece in read.Buffer)
                {
                    if (!Pattern.Fits(piece.Span, at))
                        return -1;
                    at += piece.Length;
                }

                connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    return at;
            }
        }).WaitAsync(TimeSpan.FromMinutes(2));

        Assert.That(received, Is.EqualTo(Hundred));
    }

    [Test]
    public async Task Both_directions_at_once_do_not_disturb_each_other()
    {
        const int bytes = 20 * 1024 * 1024;
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            var sending = Send(connection, bytes);
            var received = await Receive(connection);
            await sending;
            Assert.That(received, Is.EqualTo(bytes));
        }).Within();
        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        var received = await loop.InvokeAsync(async () =>
        {
            var receiving = Receive(connection);
            await Send(connection, bytes);
            connection.ShutdownSend();
            return await receiving;
        }).WaitAsync(TimeSpan.FromMinutes(1));

        Assert.That(received, Is.EqualTo(bytes));
    }

    private static async Task Send(Connection connection, int bytes)
    {
        var block = new byte[100_000];
        for (var sent = 0; sent < bytes; sent += block.Length)
            await connection.Output.WriteAsync(block.AsMemory(0, Math.Min(block.Length, bytes - sent)));
        connection.ShutdownSend();
    }

    private static async Task<long> Receive(Connection connection)
    {
        for (var received = 0L; ;)
        {
            var read = await connection.Input.ReadAsync();
            received += read.Buffer.Length;
            connection.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                return received;
        }
    }

    private static void SendPattern(RawPeer peer)
    {
        var block = new byte[256 * 1024];
        for (var at = 0; at < Hundred; at += block.Length)
        {
            Pattern.Fill(block, at);
            peer.Send(block);
        }
    }

    private static void ExpectPattern(RawPeer peer)
    {
        var block = new byte[256 * 1024];
        for (var at = 0; at < Hundred;)
        {
            var read = peer.Read(block);
            Assert.That(read, Is.GreaterThan(0));
            Assert.That(Pattern.Fits(block.AsSpan(0, read), at), Is.True, $"From byte {at} on.");
            at += read;
        }
    }

    /// <summary>Bytes that tell where they belong: a period that no buffer size is a multiple of.</summary>
    private static class Pattern
    {
        private const int Period = 65_521;

        private static readonly byte[] Bytes = Make();

        public static void Fill(Span<byte> span, long at)
        {
            for (var done = 0; done < span.Length;)
            {
                var piece = Piece(at + done, span.Length - done);
                piece.CopyTo(span[done..]);
                done += piece.Length;
            }
        }

        public static bool Fits(ReadOnlySpan<byte> span, long at)
        {
            for (var done = 0; done < span.Length;)
            {
                var piece = Piece(at + done, span.Length - done);
                if (!piece.SequenceEqual(span.Slice(done, piece.Length)))
                    return false;
                done += piece.Length;
            }

            return true;
        }

        private static ReadOnlySpan<byte> Piece(long at, int most)
        {
            var start = (int)(at % Period);
            return Bytes.AsSpan(start, Math.Min(most, Period - start));
        }

        private static byte[] Make()
        {
            var bytes = new byte[Period];
            new Random(523).NextBytes(bytes);
            return bytes;
        }
    }
}
