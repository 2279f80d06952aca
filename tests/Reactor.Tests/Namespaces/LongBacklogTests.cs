using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>More clients in a backlog than the usual limit of a system (<c>somaxconn</c>) lets wait.</summary>
[TestFixture]
[NonParallelizable]
public sealed class LongBacklogTests
{
    private const int Waiting = 5_000;

    // As AcceptsPerTurn of the listener: the others are served in between.
    private const int MostInATurn = 64;

    private NetworkNamespaces _namespaces = null!;

    [OneTimeSetUp]
    public void Build()
    {
        _namespaces = NetworkNamespaces.BuildOrSkip();
        NetworkNamespaces.Set(NetworkNamespaces.ServerName, "net.core.somaxconn", "8192");
        NetworkNamespaces.Set(NetworkNamespaces.ServerName, "net.ipv4.tcp_max_syn_backlog", "8192");
    }

    [OneTimeTearDown]
    public void Remove() => _namespaces?.Dispose();

    [Test]
    public async Task Five_thousand_that_wait_behind_one_edge_are_accepted_a_few_a_turn_and_none_is_stranded()
    {
        KqueueLibrary.RequireRoomForThousands();
        DescriptorLimit.NeedOrSkip((2 * Waiting) + 500);
        var kernel = new ScriptedKernel();
        var (inTurn, most) = (0, 0);
        kernel.OnAccept = (descriptor, peer) =>
        {
            most = Math.Max(most, ++inTurn);
            return kernel.Real.Accept(descriptor, peer);
        };
        kernel.OnWait = (events, timeoutMs) =>
        {
            inTurn = 0;
            return kernel.RealPoller!.Wait(events, timeoutMs);
        };
        await using var loop = await NetworkNamespaces.Enter(TestLoop.Start(kernel), NetworkNamespaces.ServerName);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, new ListenOptions { Backlog = 8_192 }).Within();
        using var release = new ManualResetEventSlim();
        loop.Post(() => release.Wait(TimeSpan.FromMinutes(1)));
        var peers = NetworkNamespaces.Inside(NetworkNamespaces.ServerName, () => Enumerable.Range(0, Waiting).Select(_ => RawPeer.Dial(listener.LocalEndPoint)).ToArray());
        peers[^1].Send("x");
        release.Set();

        Assert.That(peers[^1].ReadText(1), Is.EqualTo("x"));
        await Until.True(() => listener.Active == Waiting);
        Assert.That(most, Is.InRange(2, MostInATurn));
        foreach (var peer in peers)
            peer.Dispose();
        await Until.True(() => listener.Active == 0);
    }
}
