namespace Reactor.Testing;

/// <summary>Decides what happens to each call, by the rules and else by chance, and counts. From any thread.</summary>
internal sealed class FaultPlan
{
    private readonly Lock _gate = new();
    private readonly List<Rule> _rules = [];
    private readonly long[] _calls = new long[Enum.GetValues<KernelCall>().Length];
    private readonly long[] _faults = new long[Enum.GetValues<KernelCall>().Length];
    private Chance? _chance;

    internal FaultRates? Rates
    {
        get
        {
            lock (_gate) return _chance?.Rates;
        }

        set
        {
            lock (_gate) _chance = value is null ? null : new Chance(value);
        }
    }

    internal void Add(Fault fault)
    {
        lock (_gate) _rules.Add(new Rule(fault));
    }

    internal void Clear()
    {
        lock (_gate)
        {
            _rules.Clear();
            _chance = null;
        }
    }

    internal long CallsOf(KernelCall call)
    {
        lock (_gate) return _calls[(int)call];
    }

    internal long FaultsOf(KernelCall call)
    {
        lock (_gate) return _faults[(int)call];
    }

    internal long Faults()
    {
        lock (_gate) return _faults.Sum();
    }

    /// <summary>A call is about to be made.</summary>
    /// <param name="call">The call.</param>
    /// <param name="descriptor">What it is for, or -1.</param>
    /// <param name="length">How many bytes it could move.</param>
    internal Verdict Next(KernelCall call, int descriptor = -1, int length = 0)
    {
        lock (_gate)
        {
            _calls[(int)call]++;
            var fault = Match(call, descriptor, isEvent: false);
            var verdict = fault is not null ? fault.Verdict : _chance?.Next(call, length) ?? default;
            if (verdict != default) _faults[(int)call]++;
            return verdict;
        }
    }

    /// <summary>The poller has an event.</summary>
    /// <returns>How long to hold it back.</returns>
    internal TimeSpan NextEvent(int descriptor)
    {
        lock (_gate)
        {
            var delay = Match(KernelCall.Wait, descriptor, isEvent: true)?.Delay ?? _chance?.NextEvent() ?? TimeSpan.Zero;
            if (delay > TimeSpan.Zero) _faults[(int)KernelCall.Wait]++;
            return delay;
        }
    }

    // Every rule counts the call, and the oldest whose turn it is says what happens.
    private Fault? Match(KernelCall call, int descriptor, bool isEvent)
    {
        Fault? first = null;
        foreach (var rule in _rules)
        {
            if (rule.IsAbout(call, descriptor, isEvent) && rule.Count()) first ??= rule.Fault;
        }

        return first;
    }

    private sealed class Rule(Fault fault)
    {
        private long _seen;

        internal Fault Fault => fault;

        // A spurious event's descriptor says whose it is, not which waits bring it.
        internal bool IsAbout(KernelCall call, int descriptor, bool isEvent) =>
            fault.Call == call
            && fault.IsLateEvent == isEvent
            && (fault.Descriptor is null || fault.Descriptor == descriptor || fault.Spurious != Readiness.None);

        internal bool Count()
        {
            _seen++;
            return _seen >= fault.First && _seen - fault.First < fault.Times;
        }
    }
}
