namespace Reactor;

/// <summary>One slot of the <see cref="TimerWheel"/>: its timers as a linked list that runs through them, oldest first.</summary>
/// <param name="level">The level of the wheel.</param>
/// <param name="index">The place in the level.</param>
internal sealed class TimerSlot(int level, int index)
{
    internal int Level => level;

    internal int Index => index;

    internal LoopTimer? First { get; private set; }

    private LoopTimer? Last { get; set; }

    internal void Add(LoopTimer timer)
    {
        timer.Slot = this;
        timer.Previous = Last;
        if (Last is null) First = timer;
        else Last.Next = timer;
        Last = timer;
    }

    internal void Remove(LoopTimer timer)
    {
        if (timer.Previous is null) First = timer.Next;
        else timer.Previous.Next = timer.Next;
        if (timer.Next is null) Last = timer.Previous;
        else timer.Next.Previous = timer.Previous;
        timer.Slot = null;
        timer.Previous = null;
        timer.Next = null;
    }
}
