using Reactor.Load;

namespace Reactor.Tool.Tests;

public sealed class DescriptorNeedTests
{
    [Test]
    public void What_fits_is_not_refused()
    {
        var limit = new DescriptorLimit(Soft: 20_000, Hard: 20_000, InUse: 100);

        Assert.That(DescriptorNeed.Refusal(limit, 9_000, ownServer: true), Is.Null);
        Assert.That(DescriptorNeed.Refusal(limit, 18_000, ownServer: false), Is.Null);
    }

    [Test]
    public void The_refusal_says_how_many_would_fit_and_what_limit_would_do()
    {
        var limit = new DescriptorLimit(Soft: 1_024, Hard: 1_024, InUse: 60);
        var fit = limit.MaxConnections(2);

        Assert.That(fit, Is.EqualTo(450));
        Assert.That(DescriptorNeed.Refusal(limit, fit, ownServer: true), Is.Null);
        Assert.That(DescriptorNeed.Refusal(limit, fit + 1, ownServer: true), Does.Contain("--connections 450").And.Contain("1026"));
    }

    [Test]
    public void A_server_of_ones_own_doubles_the_need()
    {
        var limit = new DescriptorLimit(Soft: 1_024, Hard: 1_024, InUse: 60);

        Assert.That(DescriptorNeed.Refusal(limit, 900, ownServer: false), Is.Null);
        Assert.That(DescriptorNeed.Refusal(limit, 900, ownServer: true), Does.Contain("two a connection"));
    }

    [Test]
    public void A_limit_below_what_is_open_fits_nothing() =>
        Assert.That(new DescriptorLimit(Soft: 10, Hard: 10, InUse: 60).MaxConnections(1), Is.Zero);

    [Test]
    public void The_soft_limit_is_raised_to_the_hard_one()
    {
        var limit = DescriptorLimit.Raise();

        Assert.That(limit.InUse, Is.Positive);
        if (OperatingSystem.IsLinux())
            Assert.That(limit.Soft, Is.EqualTo(limit.Hard));
    }
}
