using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The contract, kept by kqueue(2) on a real kevent(2).</summary>
[TestFixture]
public sealed class KqueueLibraryPollerTests : PollerContract
{
    private protected override string? UrgentDataIsNotTold => KqueueLibrary.TellsNoUrgentData;

    private protected override Poller CreatePoller()
    {
        if (KqueueLibrary.Path is null) Assert.Ignore(KqueueLibrary.WhatIsMissing);
        Assert.That(KqueueLibrary.CreatePoller(out var poller), Is.Zero);
        return poller!;
    }
}
