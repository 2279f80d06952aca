using System.Diagnostics;
using System.Numerics;

namespace Reactor;

/// <summary>
/// The loop's timers: a hashed hierarchical wheel (Varghese and Lauck, 1987) of milliseconds. Starting and cancelling are
/// O(1) however many are pending, and finding the next one looks at one word a level.
/// </summary>
/// <remarks>
/// Level 0 has a slot for each of the next 64 ms, level 1 one for each 64 ms of the next 4 s, and so on. A timer hangs at
/// the level of the highest digit, to base 64, in which its deadline differs from the wheel's time, and moves down when
/// that time enters its slot. So the lowest level that holds anything holds the earliest, in its lowest slot. Timers of
/// one deadline fire in the order in which they were started.
/// </remarks>
internal sealed class TimerWheel
{
    /// <summary>The latest deadline there is, some 139 years after the loop's start.</summary>
    internal const long MaxDeadlineMs = (1L << (Levels * SlotBits)) - 1;

    private const int Levels = 7;
    private const int SlotBits = 6;
    private const int SlotsPerLevel = 1 << SlotBits;

    private readonly TimerSlot?[] _slots = new TimerSlot?[Levels * SlotsPerLevel];

    // One bit a slot, set exactly while its list is not empty.
    private readonly ulong[] _occupied = new ulong[Levels];

    // The wheel's time. No timer hangs before it, and it passes no slot that holds any.
    private long _nowMs;

    // What TakeDue was last asked for. A timer started now fires after it, so never in the turn that started it.
    private long _takenMs;

    internal int Count { get; private set; }

    /// <summary>Starts a timer, or starts it anew.</summary>
    /// <param name="timer">The timer.</param>
    /// <param name="deadlineMs">When, in the milliseconds that <see cref="TakeDue"/> is given. What is past fires next.</param>
    internal void Start(LoopTimer timer, long deadlineMs)
    {
        Cancel(timer);
        timer.DeadlineMs = Math.Clamp(deadlineMs, _takenMs + 1, MaxDeadlineMs);
        Insert(timer);
        Count++;
    }

    internal void Cancel(LoopTimer timer)
    {
        if (timer.Slot is not { } slot) return;
        slot.Remove(timer);
        if (slot.First is null) _occupied[slot.Level] &= ~(1UL << slot.Index);
        Count--;
    }

    /// <summary>Cancels all.</summary>
    internal void Clear()
    {
        while (NextSlot() is { First: { } timer }) Cancel(timer);
    }

    /// <summary>The next millisecond in which the wheel has something to do, or <see cref="long.MaxValue"/> when it is empty.</summary>
    /// <remarks>For a timer at a higher level that is when it moves down, which is no later than it is due.</remarks>
    internal long NextMs() => NextSlot() is { } slot ? StartMs(slot) : long.MaxValue;

    /// <summary>Takes one timer that is due at <paramref name="nowMs"/> out of the wheel, the earliest first.</summary>
    /// <returns>The timer, no longer pending, or null when no other is due.</returns>
    internal LoopTimer? TakeDue(long nowMs)
    {
        _takenMs = Math.Max(_takenMs, nowMs);
        while (NextSlot() is { } slot && StartMs(slot) is var startMs && startMs <= nowMs)
        {
            _nowMs = startMs;
            if (slot.Level == 0)
            {
                var timer = slot.First!;
                Cancel(timer);
                return timer;
            }

            MoveDown(slot);
        }

        _nowMs = Math.Max(_nowMs, nowMs);
        return null;
    }

    private TimerSlot? NextSlot()
    {
        for (var level = 0; level < Levels; level++)
        {
            var occupied = _occupied[level];
            if (occupied != 0) return _slots[(level * SlotsPerLevel) + BitOperations.TrailingZeroCount(occupied)];
        }

        return null;
    }

    // The wheel's time with the slot's digit in its place and zeros below.
    private long StartMs(TimerSlot slot)
    {
        var shift = slot.Level * SlotBits;
        var above = _nowMs >> (shift + SlotBits) << (shift + SlotBits);
        return above | ((long)slot.Index << shift);
    }

    private void MoveDown(TimerSlot slot)
    {
        _occupied[slot.Level] &= ~(1UL << slot.Index);
        while (slot.First is { } timer)
        {
            slot.Remove(timer);
            Insert(timer);
        }
    }

    private void Insert(LoopTimer timer)
    {
        Debug.Assert(timer.DeadlineMs >= _nowMs, "A timer would hang before the wheel's time.");
        var differing = (ulong)(timer.DeadlineMs ^ _nowMs) | (SlotsPerLevel - 1);
        var level = BitOperations.Log2(differing) / SlotBits;
        var index = (int)(timer.DeadlineMs >> (level * SlotBits)) & (SlotsPerLevel - 1);
        (_slots[(level * SlotsPerLevel) + index] ??= new TimerSlot(level, index)).Add(timer);
        _occupied[level] |= 1UL << index;
    }
}
