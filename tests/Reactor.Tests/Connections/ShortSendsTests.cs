using System.Buffers;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A hundred megabytes through sends that come up short, direct ones, queued ones and gathering ones of more pieces than a call may have.</summary>
[TestFixture]
public sealed class ShortSendsTests
{
    private const long Hundred = 100L * 1024 * 1024;

    // More than the 1,024 that sendmsg(2) takes at once (IOV_MAX).
    private const int Pieces = 1_100;
    private const int PieceBytes = 100;

    [Test]
    public async Task A_hundred_megabytes_in_pieces_of_every_kind_arrive_byte_for_byte_in_order()
    {
        var random = Seed.NewRandom();
        var chance = new Random(random.Next());
        var pattern = new Pattern(random.Next());
        var kernel = new ScriptedKernel();
        var (shorts, pieces, mostPieces) = (0, 0, 0);
        kernel.OnSend = (descriptor, data) => Short(chance, ref shorts, data.Length) is { } most
            ? kernel.Real.Send(descriptor, data[..most])
            : kernel.Real.Send(descriptor, data);
        kernel.OnGather = (descriptor, vectors) =>
        {
            pieces += vectors.Length;
            mostPieces = Math.Max(mostPieces, vectors.Length);
            return Short(chance, ref shorts, vectors.Length) is { } most
                ? kernel.Real.Send(descriptor, vectors[..most])
                : kernel.Real.Send(descriptor, vectors);
        };
        await using var wire = await Wire.Dial(kernel, peerReceiveBuffer: 64 * 1024);
        var reading = Task.Factory.StartNew(() => ReadAll(wire.Peer, pattern), TaskCreationOptions.LongRunning);

        await wire.Loop.InvokeAsync(async () =>
        {
            var sent = ManyPieces(wire.Connection, pattern);
            await wire.Connection.Output.FlushAsync();
            for (var round = 0; sent < Hundred; round++)
            {
                var left = Hundred - sent;
                sent += (round % 4) switch
                {
                    0 => await Direct(wire.Connection, pattern, sent, (int)Math.Min(left, random.Next(1, 500_000))),
                    1 => Written(wire.Connection, pattern, sent, (int)Math.Min(left, random.Next(1, 30_000))),
                    2 => Written(wire.Connection, pattern, sent, (int)Math.Min(left, random.Next(1, 200_000))),
                    _ => await Flushed(wire.Connection),
                };
            }

            await wire.Connection.Output.FlushAsync();
            wire.Connection.ShutdownSend();
        }).WaitAsync(TimeSpan.FromMinutes(2));

        Assert.That(await reading.WaitAsync(TimeSpan.FromMinutes(2)), Is.EqualTo((Hundred, -1L)));
        TestContext.Out.WriteLine($"{shorts} sends came up short, {mostPieces} pieces at most in one call");
        Assert.That(shorts, Is.GreaterThan(50));
        Assert.That(pieces, Is.GreaterThan(Pieces), "The test's own premise.");
        Assert.That(mostPieces, Is.InRange(2, 1_024));
        Assert.That(wire.Loop.Counters.BytesSent, Is.EqualTo(Hundred));
        await Until.True(() => wire.Loop.Counters.RentedBuffers == 0);
    }

    // Every other call or so; of a gathering send it is the pieces that are cut, of a plain one the bytes.
    private static int? Short(Random chance, ref int shorts, int length)
    {
        if (length < 2 || chance.Next(2) == 0)
            return null;
        shorts++;
        return chance.Next(1, length);
    }

    private static async Task<int> Direct(Connection connection, Pattern pattern, long at, int count)
    {
        var bytes = new byte[count];
        Fill(pattern, at, bytes);
        await connection.Output.WriteAsync(bytes);
        return count;
    }

    private static int Written(Connection connection, Pattern pattern, long at, int count)
    {
        Fill(pattern, at, connection.Output.GetSpan(count)[..count]);
        connection.Output.Advance(count);
        return count;
    }

    // Asking for a whole buffer each time gives each piece one of its own.
    private static long ManyPieces(Connection connection, Pattern pattern)
    {
        var at = 0L;
        for (var i = 0; i < Pieces; i++)
        {
            var span = connection.Output.GetSpan(64 * 1024);
            Fill(pattern, at, span[..PieceBytes]);
            connection.Output.Advance(PieceBytes);
            at += PieceBytes;
        }

        return at;
    }

    private static async Task<int> Flushed(Connection connection)
    {
        await connection.Output.FlushAsync();
        return 0;
    }

    private static void Fill(Pattern pattern, long at, Span<byte> span)
    {
        const int most = 65_521;
        for (var done = 0; done < span.Length; done += most)
        {
            var count = Math.Min(most, span.Length - done);
            pattern.Slice(at + done, count).Span.CopyTo(span[done..]);
        }
    }

    private static (long Received, long FirstWrong) ReadAll(RawPeer peer, Pattern pattern)
    {
        var buffer = new byte[256 * 1024];
        for (var at = 0L; ;)
        {
            var count = peer.Read(buffer);
            if (count == 0)
                return (at, -1);
            if (pattern.FirstWrong(at, new ReadOnlySequence<byte>(buffer, 0, count)) is >= 0 and var wrong)
                return (at, wrong);
            at += count;
        }
    }
}
