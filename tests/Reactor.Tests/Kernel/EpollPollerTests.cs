namespace Reactor.Tests;

/// <summary>The contract, kept by epoll(7).</summary>
[TestFixture]
public sealed class EpollPollerTests : PollerContract
{
    private protected override Poller CreatePoller()
    {
        Assert.That(EpollPoller.Create(out var poller), Is.Zero);
        return poller!;
    }
}
