using System.Buffers;

namespace Reactor;

/// <summary>A buffer and its place in a sequence. The array is pinned for good, so that a gathering send may point into it.</summary>
internal sealed class BufferSegment : ReadOnlySequenceSegment<byte>
{
    /// <summary>
    /// Bytes of a pooled buffer. Large enough that a receive is seldom filled, for only a short one says that the socket
    /// is drained; small enough to stay off the large-object heap. An idle connection holds none.
    /// </summary>
    internal const int DefaultSize = 64 * 1024;

    /// <summary>Bytes of a small pooled buffer: what a connection keeps for long that waits with a little unread or unsent.</summary>
    internal const int SmallSize = 1024;

    private readonly byte[] _array;
    private int _end;

    internal BufferSegment(int size) => _array = GC.AllocateUninitializedArray<byte>(size, pinned: true);

    internal int Size => _array.Length;

    /// <summary>Whether what is in it is sent as urgent data. Only a writer uses it.</summary>
    internal bool IsUrgent { get; set; }

    /// <summary>Where the filled part ends.</summary>
    internal int End => _end;

    internal int Room => _array.Length - _end;

    /// <summary>Where the part that is not sent yet begins. Only a writer uses it.</summary>
    internal int Start { get; set; }

    internal BufferSegment? NextSegment
    {
        get => (BufferSegment?)Next;
        set => Next = value;
    }

    internal Span<byte> Free => _array.AsSpan(_end);

    internal Memory<byte> FreeMemory => _array.AsMemory(_end);

    internal ReadOnlySpan<byte> Unsent => _array.AsSpan(Start, _end - Start);

    /// <summary>Takes <paramref name="count"/> bytes of the free part as filled.</summary>
    internal void Fill(int count)
    {
        _end += count;
        Memory = _array.AsMemory(0, _end);
    }

    internal void Append(BufferSegment next)
    {
        next.RunningIndex = RunningIndex + _end;
        Next = next;
    }

    internal void Reset()
    {
        _end = 0;
        Start = 0;
        RunningIndex = 0;
        IsUrgent = false;
        Next = null;
        Memory = default;
    }
}
