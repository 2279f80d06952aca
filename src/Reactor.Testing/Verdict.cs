namespace Reactor.Testing;

/// <summary>What happens to one call; the default is nothing.</summary>
internal readonly record struct Verdict
{
    internal Errno Errno { get; init; }

    internal int? AtMostBytes { get; init; }

    internal TimeSpan Delay { get; init; }

    internal Readiness Spurious { get; init; }

    /// <summary>The descriptor of a spurious event.</summary>
    internal int? Descriptor { get; init; }

    /// <summary>Without a descriptor: null for every registered one, else the place from 0 to 1 in their list of the one that it is.</summary>
    internal double? Place { get; init; }

    /// <summary>What a call answers that goes on later.</summary>
    internal static Errno MustWait(KernelCall call) => call switch
    {
        KernelCall.Wait => Errno.None,
        KernelCall.Connect => Errno.EINPROGRESS,
        _ => Errno.EAGAIN,
    };
}
