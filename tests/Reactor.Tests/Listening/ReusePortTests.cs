using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A listener on every loop of a group, on one port.</summary>
[TestFixture]
public sealed class ReusePortTests
{
    [Test]
    public async Task Every_loop_of_a_group_gets_some_of_the_connections()
    {
        await using var group = TestLoop.StartGroup(4);
        await using var listeners = await group.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        Assert.That(listeners.Listeners.Select(static listener => listener.LocalEndPoint), Is.All.EqualTo(listeners.LocalEndPoint));

        // The kernel deals them out by a hash of the addresses: with 400 none of four goes without, but once in 10^49 runs.
        var peers = Enumerable.Range(0, 400).Select(_ => RawPeer.Dial(listeners.LocalEndPoint)).ToArray();
        foreach (var peer in peers)
        {
            peer.Send("x");
            Assert.That(peer.ReadText(1), Is.EqualTo("x"));
        }

        Assert.That(group.Loops.Select(static loop => loop.Counters.Accepted), Is.All.GreaterThan(0));
        Assert.That(group.Counters.Accepted, Is.EqualTo(400));
        Assert.That(group.Counters.Connections, Is.EqualTo(400));
        foreach (var peer in peers)
            peer.Dispose();
    }

    [Test]
    public async Task A_connection_stays_on_the_loop_that_accepted_it()
    {
        await using var group = TestLoop.StartGroup(2);
        var strays = 0;
        await using var listeners = await group.ListenAsync(Loopback.AnyPort, async connection =>
        {
            while (true)
            {
                var read = await connection.Input.ReadAsync();
                if (!connection.Loop.IsOnLoop)
                    Interlocked.Increment(ref strays);
                connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    return;
            }
        }).Within();
        for (var i = 0; i < 50; i++)
        {
            using var peer = RawPeer.Dial(listeners.LocalEndPoint);
            peer.Send("a");
            peer.HalfClose();
            Assert.That(peer.EndsInOrder(), Is.True);
        }

        Assert.That(strays, Is.Zero);
    }

    [Test]
    public async Task Next_goes_round_the_loops()
    {
        await using var group = TestLoop.StartGroup(3);

        EventLoop[] first = [group.Next(), group.Next(), group.Next()];
        EventLoop[] second = [group.Next(), group.Next(), group.Next()];

        Assert.That(first, Is.EquivalentTo(group.Loops));
        Assert.That(second, Is.EqualTo(first));
    }

    [Test]
    public async Task A_port_that_is_taken_leaves_no_listener_of_the_group()
    {
        await using var group = TestLoop.StartGroup(2);
        using var taken = RawListener.Start();

        await Assert.ThrowsAsync<ListenException>(async () => await group.ListenAsync(taken.LocalEndPoint, Handlers.Echo).Within());

        Assert.That(group.Counters.Registrations, Is.Zero);
    }

    [Test]
    public async Task Two_listeners_share_a_port_only_if_both_say_so()
    {
        await using var loop = TestLoop.Start();
        await using var first = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, new ListenOptions { ReusePort = true }).Within();

        await Assert.ThrowsAsync<ListenException>(async () => await loop.ListenAsync(first.LocalEndPoint, Handlers.Echo).Within());
        await using var second = await loop.ListenAsync(first.LocalEndPoint, Handlers.Echo, new ListenOptions { ReusePort = true }).Within();
        Assert.That(second.LocalEndPoint, Is.EqualTo(first.LocalEndPoint));
    }

    [Test]
    public async Task A_group_listens_on_a_Unix_address_too()
    {
        using var directory = new ScratchDirectory();
        await using var group = TestLoop.StartGroup(2);
        await using var listeners = await group.ListenAsync(new UnixDomainSocketEndPoint(directory.File("s")), Handlers.Echo).Within();

        using var peer = RawPeer.Dial(new UnixDomainSocketEndPoint(directory.File("s")));
        peer.Send("x");

        Assert.That(peer.ReadText(1), Is.EqualTo("x"));
    }

    [Test]
    public void A_group_of_no_loops_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(static () => EventLoopGroup.Start(0));
}
