using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The contract, kept by the poller of macOS.</summary>
[TestFixture]
public sealed class DarwinPollerTests : PollerContract
{
    private protected override string? UrgentDataIsNotTold => KqueueLibrary.TellsNoUrgentData;

    private protected override Poller CreatePoller()
    {
        Assert.That(Kernel.System.CreatePoller(out var poller), Is.Zero);
        return poller!;
    }
}
