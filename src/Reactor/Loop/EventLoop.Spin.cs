namespace Reactor;

/// <content>Asking the poller again and again for some time before sleeping in it, where somebody wants answers sooner than a sleeper wakes.</content>
public sealed partial class EventLoop
{
    // The last sleep was shorter than a spin, which therefore would have met what ended it.
    private bool _isHot;

    private long SpinNs => Options.SpinTime.Ticks * TimeSpan.NanosecondsPerTick;

    // What comes rarely finds the loop asleep and costs it nothing but the sleep.
    private int WaitSpinning(int timeoutMs)
    {
        if (_isHot)
        {
            var count = Spin(Math.Min(SpinNs, timeoutMs < 0 ? long.MaxValue : timeoutMs * NanosecondsPerMs));
            if (count != 0 || !_posted.IsEmpty) return count;

            // The next turn sleeps, unless a timer is due that ended this: by now one may be nearer than it was.
            _isHot = false;
            return 0;
        }

        var sleptAt = Kernel.Timestamp;
        var events = WaitSleeping(timeoutMs);
        _isHot = Kernel.Timestamp - sleptAt <= SpinNs;
        return events;
    }

    private int Spin(long timeNs)
    {
        var start = Kernel.Timestamp;
        int count;
        do count = _poller.Wait(_events, timeoutMs: 0);
        while (count == 0 && _posted.IsEmpty && Kernel.Timestamp - start < timeNs);
        return count;
    }
}
