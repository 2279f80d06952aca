namespace Reactor;

/// <summary>
/// What is registered with the loop's poller under a <see cref="Token"/>: a <see cref="Connection"/>, a
/// <see cref="Listener"/> or a <see cref="PendingConnect"/>. Every call comes on the loop.
/// </summary>
internal interface IRegistrant
{
    /// <summary>The poller has news of the socket.</summary>
    void OnEvents(PollEvent news);

    /// <summary>The turn that was asked for with <see cref="EventLoop.EnqueueReady"/> has come.</summary>
    void OnTurn();

    /// <summary>The loop is to end: come to an end in good order.</summary>
    void OnStopping();

    /// <summary>The loop ends now: give the descriptor back at once.</summary>
    void OnStopped();
}
