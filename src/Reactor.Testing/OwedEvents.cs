namespace Reactor.Testing;

/// <summary>
/// The events that the kernel underneath will not give, because it has given them or knows of no reason to: a poller is edge
/// triggered, so whoever was told <c>EAGAIN</c> while the socket was ready, or got fewer bytes than there are, has to be told
/// again. From any thread.
/// </summary>
/// <param name="clock">The kernel whose time counts.</param>
internal sealed class OwedEvents(Kernel clock)
{
    private const Readiness Everything = (Readiness)~0;
    private const long NanosecondsPerMs = 1_000_000;

    private readonly Lock _gate = new();

    // Who is registered, by descriptor.
    private readonly Dictionary<int, (FaultyPoller Poller, Token Token)> _watched = [];

    // Oldest first.
    private readonly List<Owed> _owed = [];

    internal void Watch(int descriptor, FaultyPoller poller, Token token)
    {
        lock (_gate) _watched[descriptor] = (poller, token);
    }

    /// <summary>Forgets a descriptor, whose number may be another socket's at once.</summary>
    /// <returns>The token that it was registered with, if it was.</returns>
    internal Token? Forget(int descriptor)
    {
        lock (_gate)
        {
            _owed.RemoveAll(owed => owed.Descriptor == descriptor);
            return _watched.Remove(descriptor, out var watched) ? watched.Token : null;
        }
    }

    internal void Forget(FaultyPoller poller)
    {
        lock (_gate)
        {
            foreach (var descriptor in _watched.Where(entry => entry.Value.Poller == poller).Select(static entry => entry.Key).ToList()) Forget(descriptor);
        }
    }

    /// <summary>Gives an event some time from now. Until then the socket is not ready for that, whoever asks.</summary>
    internal void Owe(int descriptor, Readiness readiness, TimeSpan delay)
    {
        if (readiness != Readiness.None) Add(descriptor, readiness, withheld: delay > TimeSpan.Zero ? readiness : Readiness.None, delay);
    }

    /// <summary>Lets a connect that is under way take some time: no event and no other call tells of its end before.</summary>
    internal void OweConnect(int descriptor, TimeSpan delay) => Add(descriptor, Readiness.None, Everything, delay);

    internal bool IsWithheld(int descriptor, Readiness readiness)
    {
        lock (_gate) return _owed.Count > 0 && Withholding(descriptor, readiness) is not null;
    }

    internal bool IsConnecting(int descriptor)
    {
        lock (_gate) return _owed.Count > 0 && Withholding(descriptor, Readiness.None) is { Withheld: Everything };
    }

    /// <summary>Gives an event for nothing, at once.</summary>
    internal void OweSpurious(FaultyPoller poller, in Verdict verdict)
    {
        lock (_gate)
        {
            var all = _watched.Where(entry => entry.Value.Poller == poller).Select(static entry => entry.Key).Order().ToList();
            if (verdict.Descriptor is { } one) all.RemoveAll(descriptor => descriptor != one);
            else if (verdict.Place is { } place && all.Count > 0) all = [all[(int)(place * all.Count)]];
            foreach (var descriptor in all) Owe(descriptor, verdict.Spurious, TimeSpan.Zero);
        }
    }

    /// <summary>How long a wait may be so that it ends when the next event is due: rounded up, so that it is due then.</summary>
    internal int Shorten(FaultyPoller poller, int timeoutMs)
    {
        lock (_gate)
        {
            if (_owed.Count == 0) return timeoutMs;
            var now = clock.Timestamp;
            foreach (var owed in _owed)
            {
                if (owed.Readiness == Readiness.None || !_watched.TryGetValue(owed.Descriptor, out var watched) || watched.Poller != poller) continue;
                var left = (int)Math.Clamp((owed.DueNs - now + NanosecondsPerMs - 1) / NanosecondsPerMs, 0, int.MaxValue);
                if (timeoutMs < 0 || left < timeoutMs) timeoutMs = left;
            }

            return timeoutMs;
        }
    }

    /// <summary>Adds what is due to the events of a wait, as far as there is room; the rest stays owed.</summary>
    /// <returns>How many events there are now.</returns>
    internal int Give(FaultyPoller poller, Span<PollEvent> events, int count)
    {
        lock (_gate)
        {
            if (_owed.Count == 0) return count;
            var now = clock.Timestamp;
            for (var i = 0; i < _owed.Count;)
            {
                var owed = _owed[i];
                if (owed.DueNs > now || !_watched.TryGetValue(owed.Descriptor, out var watched) || watched.Poller != poller)
                {
                    i++;
                    continue;
                }

                if (owed.Readiness != Readiness.None && !PollEvents.TryAdd(events, ref count, new PollEvent(watched.Token, owed.Readiness, owed.Errno))) return count;
                _owed.RemoveAt(i);
            }

            return count;
        }
    }

    /// <summary>Looks at an event of the poller underneath and holds back what is not to be told yet.</summary>
    /// <returns>What remains of it.</returns>
    internal PollEvent Sift(FaultyPoller poller, in PollEvent one, FaultPlan plan)
    {
        lock (_gate)
        {
            if (poller.DescriptorOf(one.Token) is not { } descriptor) return one;
            var readiness = one.Readiness;
            if ((readiness & (Readiness.Error | Readiness.HangUp)) != 0) readiness |= EndTransfers(descriptor);
            if (_owed.Count > 0 && Withholding(descriptor, readiness) is { } withholding)
            {
                withholding.Readiness |= readiness & withholding.Withheld;
                if ((readiness & withholding.Withheld & (Readiness.Error | Readiness.Unwatched)) != 0) withholding.Errno = one.Errno;
                readiness &= ~withholding.Withheld;
            }

            var delay = readiness == Readiness.None ? TimeSpan.Zero : plan.NextEvent(descriptor);
            if (delay == TimeSpan.Zero) return one with { Readiness = readiness };
            Add(descriptor, readiness, Readiness.None, delay, one.Errno);
            return one with { Readiness = Readiness.None };
        }
    }

    private void Add(int descriptor, Readiness readiness, Readiness withheld, TimeSpan delay, Errno errno = Errno.None)
    {
        lock (_gate)
        {
            var isWatched = _watched.TryGetValue(descriptor, out var watched);

            // Who is not registered yet is told of everything when that is done.
            if (!isWatched && withheld == Readiness.None) return;
            _owed.Add(new Owed(descriptor, withheld, clock.Timestamp + (delay.Ticks * TimeSpan.NanosecondsPerTick)) { Readiness = readiness, Errno = errno });
            if (isWatched) watched.Poller.Interrupt();
        }
    }

    // With Readiness.None: any that withholds something.
    private Owed? Withholding(int descriptor, Readiness readiness)
    {
        var now = clock.Timestamp;
        return _owed.Find(owed => owed.Descriptor == descriptor && owed.DueNs > now
            && owed.Withheld != Readiness.None && (readiness == Readiness.None || (owed.Withheld & readiness) != 0));
    }

    // What was sent before a reset arrives before it: nobody may be told of the end while bytes are still withheld.
    private Readiness EndTransfers(int descriptor)
    {
        var readiness = Readiness.None;
        foreach (var owed in _owed)
        {
            if (owed.Descriptor == descriptor && owed.Withheld is not (Readiness.None or Everything)) readiness |= owed.Readiness;
        }

        if (readiness != Readiness.None) _owed.RemoveAll(owed => owed.Descriptor == descriptor && owed.Withheld is not (Readiness.None or Everything));
        return readiness;
    }

    private sealed class Owed(int descriptor, Readiness withheld, long dueNs)
    {
        internal int Descriptor => descriptor;

        internal Readiness Withheld => withheld;

        internal long DueNs => dueNs;

        /// <summary>What to tell. Nothing as long as nothing happened to a connect that takes its time.</summary>
        internal Readiness Readiness { get; set; }

        /// <summary>The error that the poller told with it, which the socket may not tell again.</summary>
        internal Errno Errno { get; set; }
    }
}
