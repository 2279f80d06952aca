using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The contract, kept by the poller of a <see cref="FaultyKernel"/> that has no faults.</summary>
[TestFixture]
public sealed class FaultyPollerTests : PollerContract
{
    private protected override string? UrgentDataIsNotTold => KqueueLibrary.Path is null ? null : KqueueLibrary.TellsNoUrgentData;

    private protected override Poller CreatePoller()
    {
        Assert.That(new FaultyKernel().CreatePoller(out var poller), Is.Zero);
        return poller!;
    }
}
