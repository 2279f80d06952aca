namespace Reactor.Testing;

/// <summary>
/// One rule of a <see cref="FaultyKernel"/>: which calls it is about, and what happens to them. Exactly one thing does:
/// <see cref="Errno"/>, <see cref="AtMostBytes"/>, <see cref="Spurious"/>, or <see cref="Delay"/>, which may also go with
/// the first two.
/// </summary>
/// <example>
/// The second accept from now on finds no descriptor left, and so do the two after it:
/// <code>kernel.Inject(new Fault { Call = KernelCall.Accept, First = 2, Times = 3, Errno = Errno.EMFILE });</code>
/// A listener spends two of them on each client: when its accept finds no descriptor it tries again with the one that it keeps in
/// reserve. What is sent in one piece is a <see cref="KernelCall.Send"/>, in several a <see cref="KernelCall.Gather"/>.
/// </example>
public sealed record Fault
{
    /// <summary>The call that it happens to.</summary>
    public required KernelCall Call { get; init; }

    /// <summary>
    /// The first of the calls that it happens to, 1 or more, counted from <see cref="FaultyKernel.Inject"/> on. With
    /// <see cref="Descriptor"/> only calls for that one are counted. For late events it is events that are counted, not waits.
    /// Default: 1, the next.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int First
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 1;

    /// <summary>How many calls in a row it happens to, 1 or more; <see cref="int.MaxValue"/> for all. Default: 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int Times
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 1;

    /// <summary>The descriptor that the call must be for. Default: null, any.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int? Descriptor
    {
        get;
        init
        {
            if (value is { } descriptor) ArgumentOutOfRangeException.ThrowIfNegative(descriptor, nameof(value));
            field = value;
        }
    }

    /// <summary>
    /// What the call answers. It is not made, apart from those of which <see cref="FaultyKernel"/> says that they are. Default:
    /// <see cref="Errno.None"/>.
    /// </summary>
    public Errno Errno { get; init; }

    /// <summary>The most bytes that a receive, peek, send or gathering send moves, 1 or more. Default: null, as many as there are.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int? AtMostBytes
    {
        get;
        init
        {
            if (value is { } bytes) ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1, nameof(value));
            field = value;
        }
    }

    /// <summary>
    /// How long the call has to wait, zero or more, by the clock of the kernel underneath. Nothing blocks: accept, receive, peek and
    /// the sends answer <see cref="Errno.EAGAIN"/> and the poller tells of the socket after that time, a connect is begun and
    /// its end is told after that time, and a <see cref="KernelCall.Wait"/> gives its events after that time. With
    /// <see cref="AtMostBytes"/> it is the rest that comes later. Default: zero.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public TimeSpan Delay
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            field = value;
        }
    }

    /// <summary>
    /// What a <see cref="KernelCall.Wait"/> says for nothing, of <see cref="Descriptor"/> or of every socket that is registered with
    /// that poller. Default: <see cref="Readiness.None"/>.
    /// </summary>
    public Readiness Spurious { get; init; }

    internal bool IsLateEvent => Call == KernelCall.Wait && Delay > TimeSpan.Zero;

    /// <summary>What the call that it happens to is to answer.</summary>
    internal Verdict Verdict => new()
    {
        Errno = Errno == Errno.None && Delay > TimeSpan.Zero && AtMostBytes is null ? Verdict.MustWait(Call) : Errno,
        AtMostBytes = AtMostBytes,
        Delay = Delay,
        Spurious = Spurious,
        Descriptor = Descriptor,
    };

    /// <summary>Why no kernel could do this; null when one could.</summary>
    internal string? Nonsense
    {
        get
        {
            var what = (Errno != Errno.None ? 1 : 0) + (AtMostBytes is null ? 0 : 1) + (Spurious != Readiness.None ? 1 : 0);
            if (what > 1 || (what == 0 && Delay == TimeSpan.Zero)) return "Either an errno, a short count, a spurious event or a delay.";
            if (!Enum.IsDefined(Call)) return "There is no such call.";
            if (Errno < 0) return "Errno is the number itself, which is not negative.";
            if (AtMostBytes is not null && !Call.CanBeShort) return $"{Call} moves no bytes that could be fewer.";
            if (Spurious != Readiness.None && Call != KernelCall.Wait) return $"Events come from {KernelCall.Wait}, not from {Call}.";
            if (Delay > TimeSpan.Zero && NotDelayable() is { } reason) return reason;
            if (Descriptor is null || Call.IsAboutOneDescriptor) return null;
            return Call == KernelCall.Wait && Errno == Errno.None ? null : $"{Call} is about no descriptor.";
        }
    }

    private string? NotDelayable()
    {
        if (Call == KernelCall.Wait) return Errno == Errno.None && Spurious == Readiness.None ? null : "An event is late, or it is something else.";
        if (Call.Awaited == Readiness.None) return $"{Call} never blocks, and no event tells of it: it cannot be late.";
        var canGoOn = Call == KernelCall.Connect
            ? Errno is Errno.None or Errno.EINPROGRESS or Errno.EINTR or Errno.EALREADY
            : Errno is Errno.None or Errno.EAGAIN;
        return canGoOn ? null : $"After {Errno.Name} nothing comes of {Call} later.";
    }
}
