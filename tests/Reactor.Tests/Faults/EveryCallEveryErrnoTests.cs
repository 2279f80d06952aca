using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Every call that the framework makes, with every error that its man page lists: whoever waits hears of it, the others are served, nothing is left.</summary>
[TestFixture]
public sealed class EveryCallEveryErrnoTests
{
    private static IEnumerable<TestCaseData> Cases =>
        from row in FaultTable.Rows
        from errno in row.Errnos
        select new TestCaseData(row.Call, row.Place, errno);

    [TestCaseSource(nameof(Cases))]
    public async Task The_one_who_waits_hears_of_it_and_the_others_go_on(KernelCall call, string place, Errno errno)
    {
        var row = FaultTable.Rows.Single(row => row.Call == call && row.Place.Equals(place, StringComparison.Ordinal));
        await using var scene = await FaultScene.Open(call, errno);
        var before = scene.Holdings;

        await row.Play(scene).Within();

        await Until.True(() => scene.Kernel.FaultsOf(call) == 1, what: $"{call} was asked for");
        scene.Kernel.Clear();
        await scene.ServesAnother();
        Assert.That(() => scene.Holdings, Is.EqualTo(before).After(5).Seconds.PollEvery(2).MilliSeconds, "Nothing is left.");
    }

    [Test]
    public void Every_call_of_the_kernel_and_the_poller_has_a_row() =>
        Assert.That(FaultTable.Rows.Select(static row => row.Call).Distinct(), Is.EquivalentTo(Enum.GetValues<KernelCall>()));
}
