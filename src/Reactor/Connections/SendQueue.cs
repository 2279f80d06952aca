namespace Reactor;

/// <summary>
/// What was flushed and the system has not taken yet: buffers of ours, and behind them what is left of the memory that a
/// waiting write was given, which is sent from where it lies.
/// </summary>
/// <param name="pool">Where the buffers come from and go back to.</param>
internal sealed unsafe class SendQueue(SegmentPool pool)
{
    // A gathering send of 64 buffers is some megabytes, as much as the system takes at once.
    private const int MostVectors = 64;

    private BufferSegment? _head;
    private BufferSegment? _tail;
    private long _copied;

    // Empty unless a write waits.
    private ReadOnlyMemory<byte> _borrowed;

    internal long Length => _copied + _borrowed.Length;

    /// <summary>What of it lies in buffers of ours.</summary>
    internal long Copied => _copied;

    /// <summary>Takes over a list of filled buffers.</summary>
    internal void Append(BufferSegment head, BufferSegment tail, long length)
    {
        // What is borrowed comes first.
        if (!_borrowed.IsEmpty) CopyBorrowed();

        // What little a peer does not take would otherwise hold a whole buffer, and so would each small write behind it.
        if (_tail is null && length is > 0 and <= BufferSegment.SmallSize) Add(pool.RentSmall());
        if (_tail is { IsUrgent: false } && _tail.Room >= length)
        {
            for (var segment = head; segment is not null;)
            {
                Copy(segment.Unsent);
                var next = segment.NextSegment;
                pool.Return(segment);
                segment = next;
            }

            return;
        }

        Add(head);
        _tail = tail;
        _copied += length;

        // Memory that was asked for and not used has come along.
        Consume(0);
    }

    /// <summary>Takes an urgent byte. One right behind another overtakes it anyway, so that they may go out together: the last of a send is the urgent one.</summary>
    internal void AppendUrgent(byte value)
    {
        if (!_borrowed.IsEmpty) CopyBorrowed();
        if (_tail is not { IsUrgent: true, Room: > 0 })
        {
            Add(pool.RentSmall());
            _tail!.IsUrgent = true;
        }

        Copy([value]);
    }

    /// <summary>Sends this memory from where it lies, behind what is queued. Until <see cref="CopyBorrowed"/> or the end it must stay as it is.</summary>
    internal void Borrow(ReadOnlyMemory<byte> memory) => _borrowed = memory;

    /// <summary>Makes what is left of the borrowed memory ours, so that its owner may go on.</summary>
    internal void CopyBorrowed()
    {
        var rest = _borrowed;
        _borrowed = default;
        while (!rest.IsEmpty)
        {
            if (_tail is null || _tail.Room == 0 || _tail.IsUrgent)
            {
                Add(_tail is null && rest.Length <= BufferSegment.SmallSize ? pool.RentSmall() : pool.Rent());
            }

            var count = Math.Min(rest.Length, _tail!.Room);
            Copy(rest.Span[..count]);
            rest = rest[count..];
        }
    }

    /// <summary>One send of as much as there is.</summary>
    /// <returns>What the kernel answered.</returns>
    internal int Send(Kernel kernel, int descriptor)
    {
        if (_head is null) return kernel.Send(descriptor, _borrowed.Span);
        if (_head.IsUrgent) return kernel.SendUrgent(descriptor, _head.Unsent);
        return _head == _tail && _borrowed.IsEmpty ? kernel.Send(descriptor, _head.Unsent) : Gather(kernel, descriptor);
    }

    /// <summary>Drops the first bytes, which were sent.</summary>
    internal void Consume(long count)
    {
        while (_head is { } segment)
        {
            var taken = (int)Math.Min(count, segment.Unsent.Length);
            segment.Start += taken;
            _copied -= taken;
            count -= taken;
            if (segment.Unsent.Length > 0) return;
            _head = segment.NextSegment;
            if (_head is null) _tail = null;
            pool.Return(segment);
        }

        _borrowed = _borrowed[(int)count..];
    }

    /// <summary>Drops everything.</summary>
    internal void Clear()
    {
        _borrowed = default;
        Consume(_copied);
    }

    private void Add(BufferSegment segment)
    {
        if (_tail is null) _head = segment;
        else _tail.NextSegment = segment;
        _tail = segment;
    }

    private void Copy(ReadOnlySpan<byte> data)
    {
        data.CopyTo(_tail!.Free);
        _tail.Fill(data.Length);
        _copied += data.Length;
    }

    private int Gather(Kernel kernel, int descriptor)
    {
        var vectors = stackalloc IoVector[MostVectors];
        var count = 0;
        var segment = _head;
        for (; segment is { IsUrgent: false } && count < MostVectors; segment = segment.NextSegment)
        {
            // Our buffers are pinned for good.
            fixed (byte* start = segment.Unsent) vectors[count++] = new IoVector(start, segment.Unsent.Length);
        }

        if (_borrowed.IsEmpty || segment is not null || count == MostVectors) return kernel.Send(descriptor, new ReadOnlySpan<IoVector>(vectors, count));

        using var pin = _borrowed.Pin();
        vectors[count++] = new IoVector((byte*)pin.Pointer, _borrowed.Length);
        return kernel.Send(descriptor, new ReadOnlySpan<IoVector>(vectors, count));
    }
}
