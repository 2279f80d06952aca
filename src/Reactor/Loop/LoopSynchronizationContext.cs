namespace Reactor;

/// <summary>Brings every <see langword="await"/> in a handler back to the loop that the handler runs on.</summary>
/// <param name="loop">The loop.</param>
internal sealed class LoopSynchronizationContext(EventLoop loop) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => loop.Enqueue(d, state);

    public override void Send(SendOrPostCallback d, object? state)
    {
        if (loop.IsOnLoop) d(state);
        else loop.InvokeAsync(() => d(state)).GetAwaiter().GetResult();
    }

    public override SynchronizationContext CreateCopy() => this;
}
