using System.Collections.Concurrent;

namespace Reactor;

/// <summary>
/// The loop's buffers. On the loop it is a plain stack, so that the buffer used last, still in the processor's cache, is
/// used next; what other threads need or give back goes through a queue beside it.
/// </summary>
/// <param name="loop">The loop.</param>
internal sealed class SegmentPool(EventLoop loop)
{
    // In each of the three 64 buffers are kept for good; a burst beyond that goes back to the collector.
    private const int MostKept = 64;

    private readonly Stack<BufferSegment> _kept = new(MostKept);
    private readonly Stack<BufferSegment> _keptSmall = new(MostKept);
    private readonly ConcurrentQueue<BufferSegment> _elsewhere = new();
    private int _rentedOnLoop;
    private int _rentedElsewhere;

    /// <summary>Buffers that are out.</summary>
    internal int Rented => Volatile.Read(ref _rentedOnLoop) + Volatile.Read(ref _rentedElsewhere);

    /// <summary>Gives an empty buffer of at least <paramref name="size"/> bytes.</summary>
    internal BufferSegment Rent(int size = BufferSegment.DefaultSize)
    {
        Count(1);
        if (size > BufferSegment.DefaultSize) return new BufferSegment(size);
        if (loop.IsOnLoop && _kept.TryPop(out var segment)) return segment;
        return _elsewhere.TryDequeue(out segment) ? segment : new BufferSegment(BufferSegment.DefaultSize);
    }

    /// <summary>Gives an empty buffer of <see cref="BufferSegment.SmallSize"/> bytes.</summary>
    internal BufferSegment RentSmall()
    {
        Count(1);
        return loop.IsOnLoop && _keptSmall.TryPop(out var segment) ? segment : new BufferSegment(BufferSegment.SmallSize);
    }

    /// <summary>Takes one back that nobody looks at any more.</summary>
    internal void Return(BufferSegment segment)
    {
        Count(-1);
        if (segment.Size is not (BufferSegment.DefaultSize or BufferSegment.SmallSize)) return;
        segment.Reset();
        if (!loop.IsOnLoop)
        {
            if (segment.Size == BufferSegment.DefaultSize && _elsewhere.Count < MostKept) _elsewhere.Enqueue(segment);
            return;
        }

        var kept = segment.Size == BufferSegment.DefaultSize ? _kept : _keptSmall;
        if (kept.Count < MostKept) kept.Push(segment);
    }

    /// <summary>Counts one as returned whose bytes somebody may still look at, and leaves it to the collector.</summary>
    internal void Abandon() => Count(-1);

    private void Count(int difference)
    {
        if (loop.IsOnLoop) _rentedOnLoop += difference;
        else Interlocked.Add(ref _rentedElsewhere, difference);
    }
}
