namespace Reactor;

/// <content>What is written and not flushed: buffers that are handed out, filled, and then flushed or dropped.</content>
internal sealed partial class ConnectionWriter
{
    // What was written and not flushed; both null when that is nothing.
    private BufferSegment? _head;
    private BufferSegment? _tail;
    private long _unflushed;

    // More was written than the options allow, and the connection is aborted for it.
    private volatile bool _isOverLimit;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _unflushed;

    public override Memory<byte> GetMemory(int sizeHint = 0) => Writable(sizeHint).FreeMemory;

    public override Span<byte> GetSpan(int sizeHint = 0) => Writable(sizeHint).Free;

    public override void Advance(int bytes)
    {
        ThrowIfNotWritable();
        if (_loop.IsOnLoop)
        {
            AdvanceCore(bytes);
            return;
        }

        lock (_connection.Gate) AdvanceCore(bytes);
    }

    private BufferSegment Writable(int sizeHint)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        ThrowIfNotWritable();
        if (_loop.IsOnLoop) return WritableCore(sizeHint);
        lock (_connection.Gate)
        {
            // The connection may have been closed since.
            ThrowIfNotWritable();
            return WritableCore(sizeHint);
        }
    }

    private BufferSegment WritableCore(int sizeHint)
    {
        if (_tail is not null && _tail.Room >= Math.Max(sizeHint, 1)) return _tail;
        var segment = _loop.Segments.Rent(sizeHint);
        if (_tail is null) _head = segment;
        else _tail.NextSegment = segment;
        _tail = segment;
        return segment;
    }

    private void AdvanceCore(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (_released || bytes == 0) return;
        if (_tail is null || bytes > _tail.Room) throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "More than the memory that was given.");
        _tail.Fill(bytes);
        _unflushed += bytes;
        CheckLimit();
    }

    // What a write leaves unsent when it does not wait, or waits no more, becomes ours.
    private void Keep()
    {
        if (_queue is null) return;
        _queue.CopyBorrowed();
        CheckLimit();
    }

    private void CheckLimit(int more = 0)
    {
        if (_unflushed + (_queue?.Copied ?? 0) + more <= _connection.Options.MaxUnsentBytes) return;
        _isOverLimit = true;
        _connection.AbortFor(CloseReason.SendLimit);
    }

    // When somebody else closes, who asked for memory may still be writing into it.
    private void DropUnflushed(bool mayBeInUse)
    {
        while (_head is { } segment)
        {
            _head = segment.NextSegment;
            if (mayBeInUse) _loop.Segments.Abandon();
            else _loop.Segments.Return(segment);
        }

        _tail = null;
        _unflushed = 0;
    }
}
