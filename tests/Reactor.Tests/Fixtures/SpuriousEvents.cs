using System.Collections.Concurrent;

namespace Reactor.Tests.Fixtures;

/// <summary>Slips events in that the kernel never sent, for the socket that was registered last or any other token.</summary>
internal sealed class SpuriousEvents
{
    private readonly ConcurrentQueue<PollEvent> _given = new();
    private readonly ScriptedKernel _kernel;
    private long _lastAdded;

    public SpuriousEvents(ScriptedKernel kernel)
    {
        _kernel = kernel;
        kernel.OnAdd = (descriptor, token) =>
        {
            Volatile.Write(ref _lastAdded, unchecked((long)token.ToUInt64()));
            return kernel.RealPoller!.Add(descriptor, token);
        };
        kernel.OnWait = Wait;
    }

    /// <summary>The token of the socket that was registered last; the default before the first.</summary>
    public Token LastAdded => Token.FromUInt64(unchecked((ulong)Volatile.Read(ref _lastAdded)));

    public bool AllGiven => _given.IsEmpty;

    /// <summary>To come with the next turn; a post sees to it that there is one.</summary>
    public void Give(Readiness readiness) => Give(LastAdded, readiness);

    public void Give(Token token, Readiness readiness) => _given.Enqueue(new PollEvent(token, readiness));

    private int Wait(Span<PollEvent> events, int timeoutMs)
    {
        var count = _kernel.RealPoller!.Wait(events, _given.IsEmpty ? timeoutMs : 0);
        if (count < 0)
            return count;

        while (count < events.Length && _given.TryDequeue(out var spurious))
            events[count++] = spurious;
        return count;
    }
}
