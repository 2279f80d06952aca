namespace Reactor.Testing;

/// <summary>The events of one wait: no more than one for each socket, as with epoll(7).</summary>
internal static class PollEvents
{
    /// <summary>Makes one event of those that a poller gives for one socket, as kqueue(2) does for each direction.</summary>
    /// <returns>How many are left.</returns>
    internal static int Join(Span<PollEvent> events)
    {
        var count = 0;
        foreach (var one in events) _ = TryAdd(events, ref count, one);
        return count;
    }

    /// <summary>Adds an event to the <paramref name="count"/> that are there, or to the one that there is for its socket.</summary>
    /// <returns>False when there is no room.</returns>
    internal static bool TryAdd(Span<PollEvent> events, ref int count, in PollEvent one)
    {
        for (var i = 0; i < count; i++)
        {
            if (events[i].Token != one.Token) continue;
            var errno = one.Errno != Errno.None ? one.Errno : events[i].Errno;
            events[i] = new PollEvent(one.Token, one.Readiness | events[i].Readiness, errno);
            return true;
        }

        if (count == events.Length) return false;
        events[count++] = one;
        return true;
    }
}
