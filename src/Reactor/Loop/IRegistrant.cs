namespace Reactor;

/// <summary>
/// What is registered with the loop's poller under a <see cref="Token"/>: a <see cref="Connection"/>, a
/// <see cref="Listener"/> or a <see cref="PendingConnect"/>. Every call comes on the loop.
/// </summary>
internal interface IRegistrant
{
    /// <summary>The poller has news of the socket.</summary>
    void OnEvents(PollEvent news);

    /// <summary>The poller has news of the socket, which is told after that of one or two others: what that will need may be asked for (<see cref="CacheLines"/>).</summary>
    /// <param name="eventsAhead">2, and then 1.</param>
    void Prefetch(int eventsAhead)
    {
    }

    /// <summary>The turn that was asked for with <see cref="EventLoop.EnqueueReady"/> has come.</summary>
    void OnTurn();

    /// <summary>The loop is to end: come to an end in good order.</summary>
    void OnStopping();

    /// <summary>The loop ends now: give the descriptor back at once.</summary>
    void OnStopped();
}
