namespace Reactor.Testing;

/// <summary>The poller of a <see cref="FaultyKernel"/>: gives the events of the one underneath, later or not, and those that are owed.</summary>
/// <param name="inner">The poller underneath, which goes with this one.</param>
/// <param name="plan">What happens to each call.</param>
/// <param name="owed">The events that the one underneath will not give.</param>
internal sealed class FaultyPoller(Poller inner, FaultPlan plan, OwedEvents owed) : Poller
{
    private readonly Dictionary<Token, int> _descriptors = [];

    // Whichever comes first may fill the room, so they take turns.
    private bool _owedComesFirst;
    private volatile bool _isWaiting;

    public override string AddSyscall => inner.AddSyscall;

    public override int Add(int descriptor, Token token)
    {
        var errno = plan.Next(KernelCall.Add, descriptor).Errno;
        if (errno != Errno.None) return -(int)errno;
        var answer = inner.Add(descriptor, token);
        if (answer < 0) return answer;
        _descriptors[token] = descriptor;
        owed.Watch(descriptor, this, token);
        return answer;
    }

    public override int Remove(int descriptor)
    {
        var errno = plan.Next(KernelCall.Remove, descriptor).Errno;
        if (owed.Forget(descriptor) is { } token) _descriptors.Remove(token);
        var answer = inner.Remove(descriptor);
        return errno != Errno.None ? -(int)errno : answer;
    }

    public override int Wait(Span<PollEvent> events, int timeoutMs)
    {
        var verdict = plan.Next(KernelCall.Wait);
        if (verdict.Errno != Errno.None) return -(int)verdict.Errno;
        if (verdict.Spurious != Readiness.None) owed.OweSpurious(this, verdict);

        var count = 0;
        _owedComesFirst = !_owedComesFirst;
        if (_owedComesFirst) count = owed.Give(this, events, count);
        if (count < events.Length)
        {
            var came = WaitInner(events[count..], count > 0 ? 0 : timeoutMs);
            if (came < 0 && count == 0) return came;
            count = Sift(events, count, came);
        }

        return owed.Give(this, events, count);
    }

    public override int Wake()
    {
        var errno = plan.Next(KernelCall.Wake).Errno;

        // The eventfd's counter is full (eventfd(2)), so the poller wakes anyway.
        if (errno is not (Errno.None or Errno.EAGAIN)) return -(int)errno;
        var answer = inner.Wake();
        return errno == Errno.None ? answer : -(int)errno;
    }

    internal int? DescriptorOf(Token token) => _descriptors.TryGetValue(token, out var descriptor) ? descriptor : null;

    /// <summary>Something is owed since. Whoever waits, waits anew.</summary>
    internal void Interrupt()
    {
        if (_isWaiting) _ = inner.Wake();
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        owed.Forget(this);
        inner.Dispose();
    }

    private int WaitInner(Span<PollEvent> events, int timeoutMs)
    {
        _isWaiting = true;

        // What is owed from here on must see it; what was owed before shortens the wait.
        Interlocked.MemoryBarrier();
        var came = inner.Wait(events, owed.Shorten(this, timeoutMs));
        _isWaiting = false;
        return came;
    }

    // The new ones lie behind the first.
    private int Sift(Span<PollEvent> events, int count, int came)
    {
        var fresh = events.Slice(count, Math.Max(came, 0));
        fresh = fresh[..PollEvents.Join(fresh)];
        foreach (var one in fresh)
        {
            var left = owed.Sift(this, one, plan);
            if (left.Readiness != Readiness.None) _ = PollEvents.TryAdd(events, ref count, left);
        }

        return count;
    }
}
