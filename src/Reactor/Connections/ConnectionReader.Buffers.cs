using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Reactor;

/// <content>What was received and is not consumed: rented buffers, from the first byte that the reader has not consumed on.</content>
internal sealed partial class ConnectionReader
{
    // What was received and is not consumed, from _headStart in _head to the end of _tail; both null when that is nothing.
    private BufferSegment? _head;
    private BufferSegment? _tail;
    private int _headStart;
    private long _buffered;

    // How many of the buffered bytes the reader has examined. A read waits when that is all of them.
    private long _examined;

    // What was handed out is all that is buffered, until AdvanceTo, with these two.
    private bool _isHandedOutCanceled;
    private bool _isHandedOutCompleted;

    // Set when the buffers were given back, whether or not the reader was done with them.
    private bool _released;

    // What was out with the reader then, who may not have fetched it yet.
    private StrongBox<ReadResult>? _lastHandedOut;

    /// <summary>Whether nothing was received that is not consumed.</summary>
    internal bool IsEmpty => Volatile.Read(ref _buffered) == 0;

    /// <summary>Whether nobody will read any more.</summary>
    internal bool IsReleased => _released;

    /// <summary>Gives the buffers back. Those that are out with the reader are left to the collector, for it may still look at them.</summary>
    internal void Release()
    {
        Debug.Assert(_loop.IsOnLoop || _loop.HasEnded, "Buffers are given back on the loop, as long as there is one.");
        lock (_connection.Gate)
        {
            if (_released) return;
            if (_buffered > 0 && _state is State.HandedOut or State.HandedOutTentatively) _lastHandedOut = new StrongBox<ReadResult>(GetHandedOut());
            _released = true;
            while (_head is { } segment)
            {
                _head = segment.NextSegment;
                if (_state is State.HandedOut or State.HandedOutTentatively) _loop.Segments.Abandon();
                else _loop.Segments.Return(segment);
            }

            _tail = null;
            _buffered = 0;
            _examined = 0;
        }

        if (_state == State.Pending) _connection.RequestTurn();
    }

    // A peer that sends a line a byte at a time would otherwise hold a whole buffer for as long as it likes.
    private void KeepSmall()
    {
        if (_buffered > BufferSegment.SmallSize || (_head == _tail && _head!.Size == BufferSegment.SmallSize)) return;
        var small = _loop.Segments.RentSmall();
        new ReadOnlySequence<byte>(_head!, _headStart, _tail!, _tail!.End).CopyTo(small.Free);
        small.Fill((int)_buffered);
        while (_head is { } segment)
        {
            _head = segment.NextSegment;
            _loop.Segments.Return(segment);
        }

        _head = _tail = small;
        _headStart = 0;
    }

    /// <summary>Takes a read back: nothing of it counts as consumed or examined, and the next read finds the same.</summary>
    internal void Unread()
    {
        lock (_connection.Gate)
        {
            if (_state is State.HandedOut or State.HandedOutTentatively) _state = State.Idle;
        }
    }

    private ReadOnlySequence<byte> Buffered() => _buffered == 0 ? default : new ReadOnlySequence<byte>(_head!, _headStart, _tail!, _tail!.End);

    // The result that a read completed with: not kept, for it is all here.
    private ReadResult GetHandedOut() => _lastHandedOut?.Value ?? new ReadResult(Buffered(), _isHandedOutCanceled, _isHandedOutCompleted);

    // The loop may be giving the buffers back at this moment.
    private ReadResult GetHandedOutElsewhere()
    {
        lock (_connection.Gate) return GetHandedOut();
    }

    private void Append(BufferSegment segment)
    {
        if (_tail is null)
        {
            _head = segment;
            _headStart = 0;
        }
        else
        {
            _tail.Append(segment);
        }

        _tail = segment;
    }

    private void Advance(SequencePosition consumed, SequencePosition examined)
    {
        if (_state is not (State.HandedOut or State.HandedOutTentatively)) throw new InvalidOperationException("There is no read to advance over.");
        if (_released || _buffered == 0)
        {
            // The buffers were given back meanwhile, or an empty result was handed out: there is nothing to advance over.
            _lastHandedOut = null;
            _state = State.Idle;
            return;
        }

        var consumedBytes = Offset(consumed);
        var examinedBytes = Offset(examined);
        if (consumedBytes < 0 || examinedBytes > _buffered) throw new InvalidOperationException("The position is not in the buffer that was read.");
        if (examinedBytes < consumedBytes) throw new InvalidOperationException("The examined position is before the consumed position.");
        if (examinedBytes < _examined) throw new InvalidOperationException("The examined position is before what was examined earlier.");

        _buffered -= consumedBytes;
        _examined = examinedBytes - consumedBytes;
        Consume(consumed);
        _state = State.Idle;
    }

    private long Offset(SequencePosition position)
    {
        if (position.GetObject() is not BufferSegment segment) throw new InvalidOperationException("The position is not in the buffer that was read.");
        return segment.RunningIndex + position.GetInteger() - _head!.RunningIndex - _headStart;
    }

    private void Consume(SequencePosition consumed)
    {
        var last = _buffered == 0 ? null : (BufferSegment)consumed.GetObject()!;
        var start = consumed.GetInteger();

        // The end of one buffer is the start of the next.
        if (last is { NextSegment: { } next } && start == last.End) (last, start) = (next, 0);
        while (_head != last)
        {
            var done = _head!;
            _head = done.NextSegment;
            _loop.Segments.Return(done);
        }

        if (last is null) _tail = null;
        _headStart = start;
    }
}
