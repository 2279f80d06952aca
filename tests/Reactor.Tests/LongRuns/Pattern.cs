using System.Buffers;

namespace Reactor.Tests;

/// <summary>
/// A stream of bytes that is known at every position: a conversation's own, from its seed. Its period is a prime, so that what
/// is lost, doubled or from another's buffer shifts it and is seen.
/// </summary>
/// <param name="seed">Which stream.</param>
internal readonly struct Pattern(int seed)
{
    private const int Period = 65_521;

    // The period and once more, so that a piece of up to a period is one slice.
    private static readonly byte[] Bytes = Make();

    private readonly int _start = (int)((uint)seed % Period);

    /// <summary>The bytes from a position on.</summary>
    /// <param name="position">From where on.</param>
    /// <param name="count">How many, up to 65,521.</param>
    public ReadOnlyMemory<byte> Slice(long position, int count) => Bytes.AsMemory((int)((_start + position) % Period), count);

    /// <summary>The first position that is not as it should be, or -1.</summary>
    /// <param name="position">Where in the stream the bytes belong.</param>
    /// <param name="bytes">What arrived.</param>
    public long FirstWrong(long position, in ReadOnlySequence<byte> bytes)
    {
        foreach (var memory in bytes)
        {
            for (var rest = memory.Span; !rest.IsEmpty;)
            {
                var length = Math.Min(rest.Length, Period);
                var same = rest[..length].CommonPrefixLength(Slice(position, length).Span);
                if (same < length)
                    return position + same;
                position += length;
                rest = rest[length..];
            }
        }

        return -1;
    }

    private static byte[] Make()
    {
        var bytes = new byte[2 * Period];
        new Random(4_711).NextBytes(bytes.AsSpan(0, Period));
        bytes.AsSpan(0, Period).CopyTo(bytes.AsSpan(Period));
        return bytes;
    }
}
