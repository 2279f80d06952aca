namespace Reactor.Tests;

/// <summary>The contract, kept by epoll(7), and what epoll alone does.</summary>
[TestFixture]
public sealed class EpollPollerTests : PollerContract
{
    [Test]
    public void The_same_descriptor_twice_is_EEXIST()
    {
        Assert.That(Poller.Add(Near, Mine), Is.Zero);

        Assert.That(Poller.Add(Near, Mine), Is.EqualTo(-(int)Errno.EEXIST));
    }

    [Test]
    public void Both_directions_over_is_a_hang_up()
    {
        Poller.Add(Near, Mine);
        Pending();

        NearPeer.HalfClose();
        FarPeer.HalfClose();

        WaitFor(Readiness.HangUp);
    }

    private protected override Poller CreatePoller()
    {
        Assert.That(EpollPoller.Create(out var poller), Is.Zero);
        return poller!;
    }
}
