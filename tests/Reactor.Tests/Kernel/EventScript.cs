using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>
/// Puts events of the test's own in the place of the poller's: what the poller says of a silenced socket is kept from the loop,
/// which is told what the test gives, with errnos and in batches as kqueue(2) has them.
/// </summary>
internal sealed class EventScript
{
    private readonly Lock _gate = new();
    private readonly ScriptedKernel _kernel;
    private readonly List<PollEvent> _given = [];
    private readonly HashSet<Token> _silenced = [];
    private Token _lastAdded;
    private Readiness _held;
    private volatile bool _silencesNext;

    public EventScript(ScriptedKernel kernel)
    {
        _kernel = kernel;
        kernel.OnAdd = Add;
        kernel.OnWait = Wait;
    }

    /// <summary>The token of the socket that was registered last; the default before the first.</summary>
    public Token LastAdded
    {
        get
        {
            lock (_gate)
                return _lastAdded;
        }
    }

    /// <summary>What the poller has said of silenced sockets.</summary>
    public Readiness Held
    {
        get
        {
            lock (_gate)
                return _held;
        }
    }

    /// <summary>Keeps what the poller says of the socket that was registered last from the loop.</summary>
    public void Silence()
    {
        lock (_gate)
            _silenced.Add(_lastAdded);
    }

    /// <summary>The same for the one that will be registered next.</summary>
    public void SilenceNext() => _silencesNext = true;

    /// <summary>Tells of the socket that was registered last; all as one batch, in this order.</summary>
    public void Give(EventLoop loop, params (Readiness Readiness, Errno Errno)[] news) =>
        Give(loop, [.. news.Select(one => new PollEvent(LastAdded, one.Readiness, one.Errno))]);

    /// <summary>Tells all of this as one batch, in this order.</summary>
    public void Give(EventLoop loop, params PollEvent[] news)
    {
        lock (_gate)
            _given.AddRange(news);
        loop.Post(static () => { });
    }

    private int Add(int descriptor, Token token)
    {
        lock (_gate)
        {
            _lastAdded = token;
            if (_silencesNext) _silenced.Add(token);
            _silencesNext = false;
        }

        return _kernel.RealPoller!.Add(descriptor, token);
    }

    private int Wait(Span<PollEvent> events, int timeoutMs)
    {
        var count = 0;
        lock (_gate)
        {
            // Two events a turn are enough for a batch of two, if nothing else comes with it.
            count = Math.Min(events.Length, _given.Count);
            _given[..count].CopyTo(events);
            _given.RemoveRange(0, count);
        }

        if (count == events.Length) return count;
        var came = _kernel.RealPoller!.Wait(events[count..], count > 0 ? 0 : timeoutMs);
        if (came < 0) return count > 0 ? count : came;
        lock (_gate)
        {
            for (var (i, end) = (count, count + came); i < end; i++)
            {
                if (_silenced.Contains(events[i].Token)) _held |= events[i].Readiness;
                else events[count++] = events[i];
            }
        }

        return count;
    }
}
