using System.Net;
using System.Net.Sockets;

namespace Reactor.Examples;

/// <summary>One socket that dials, and what the poller says of it.</summary>
internal sealed class Dial : IDisposable
{
    private static readonly Kernel _kernel = Kernel.System;
    private readonly Poller _poller;

    public Dial(IPEndPoint address)
    {
        Check(_kernel.CreatePoller(out var poller));
        _poller = poller!;
        Descriptor = Check(_kernel.Socket(AddressFamily.InterNetwork));
        var answer = _kernel.Connect(Descriptor, address.Serialize());
        if (answer != -(int)Errno.EINPROGRESS) throw new InvalidOperationException($"connect answered {answer}, not EINPROGRESS.");
    }

    public int Descriptor { get; }

    /// <summary>The last event, as epoll(7) names it.</summary>
    public string Events { get; private set; } = "nothing";

    /// <summary>Registers the socket and waits for an event that says this, or, for none, a while in which nothing must come.</summary>
    public Dial Await(Readiness wanted)
    {
        // Only now, when the network has done its part: an event for each step on the way would come otherwise.
        Check(_poller.Add(Descriptor, new Token(Slot: 1, Generation: 1)));
        Span<PollEvent> events = stackalloc PollEvent[8];
        var seen = Readiness.None;
        while ((seen & wanted) != wanted || wanted == Readiness.None)
        {
            var count = _poller.Wait(events, timeoutMs: wanted == Readiness.None ? 100 : 5_000);
            if (count == -(int)Errno.EINTR) continue;
            if (Check(count) == 0) break;
            seen = events[0].Readiness;
        }

        if ((seen & wanted) != wanted || (wanted == Readiness.None && seen != wanted))
            throw new InvalidOperationException($"The poller says {seen} and not {wanted}.");
        if (seen != Readiness.None) Events = Describe(seen);
        return this;
    }

    public void Dispose()
    {
        _ = _poller.Remove(Descriptor);
        _ = _kernel.Close(Descriptor);
        _poller.Dispose();
    }

    private static string Describe(Readiness readiness)
    {
        (Readiness Flag, string Name)[] names =
        [
            (Readiness.Readable, "IN"), (Readiness.Writable, "OUT"), (Readiness.Error, "ERR"), (Readiness.HangUp, "HUP"), (Readiness.ReadClosed, "RDHUP"),
        ];
        return string.Join(' ', names.Where(name => (readiness & name.Flag) != 0).Select(static name => name.Name));
    }

    private static int Check(int answer) => answer >= 0 ? answer : throw new InvalidOperationException(((Errno)(-answer)).Name);
}
