using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Seconds in which nothing happens, on a loop that holds connections in every state: it sleeps through them.</summary>
[TestFixture]
public sealed class QuietForSecondsTests
{
    private static readonly TimeSpan Watch = TimeSpan.FromSeconds(3);

    // The watching itself: its timer is started and fires, each with a turn before or behind it.
    private const int OfTheWatch = 5;

    [Test]
    public async Task An_idle_loop_with_a_thousand_connections_makes_no_call_at_all()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        var peers = Enumerable.Range(0, 1_000).Select(_ => RawPeer.Dial(listener.LocalEndPoint)).ToArray();
        await Until.True(() => listener.Active == peers.Length);

        Assert.That(await CallsWhileWatching(loop, kernel), Is.LessThanOrEqualTo(2 * OfTheWatch));

        foreach (var peer in peers)
            peer.Dispose();
    }

    [Test]
    public async Task Nobody_reads_and_every_kind_of_end_and_of_bytes_is_there()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        using var directory = new ScratchDirectory();
        using var listener = RawListener.Start();
        using var unix = RawListener.Start(new UnixDomainSocketEndPoint(directory.File("s")));
        Action<RawPeer, Connection>[] situations =
        [
            static (peer, _) => peer.Send(new byte[1_000]),
            static (peer, _) => peer.Dispose(),
            static (peer, _) => peer.HalfClose(),
            static (peer, _) => peer.Reset(),
            static (peer, _) =>
            {
                peer.Send(new byte[100]);
                peer.HalfClose();
            },
            static (peer, _) =>
            {
                peer.Send(new byte[100]);
                peer.Reset();
            },
            static (_, connection) => connection.ShutdownSend(),
            static (peer, connection) =>
            {
                connection.ShutdownSend();
                peer.Dispose();
            },
        ];
        var held = new List<(RawPeer Peer, Connection Connection)>();
        foreach (var at in (RawListener[])[listener, unix])
        {
            foreach (var happens in situations)
            {
                var connection = await loop.ConnectAsync(at.LocalEndPoint).Within();
                var peer = at.Accept();
                held.Add((peer, connection));
                happens(peer, connection);
            }
        }

        // It has all arrived by then: it is loopback.
        await loop.After(TimeSpan.FromMilliseconds(100));
        Assert.That(await CallsWhileWatching(loop, kernel), Is.LessThanOrEqualTo(2 * OfTheWatch));

        foreach (var (peer, connection) in held)
        {
            await connection.CloseAsync().Within();
            peer.Dispose();
        }
    }

    /// <summary>The calls of the loop's kernel while nothing happens; that it takes next to no turns is asserted here.</summary>
    private static async Task<int> CallsWhileWatching(EventLoop loop, ScriptedKernel kernel)
    {
        await loop.Settled();
        var (turns, calls) = (loop.Counters.Turns, Calls(kernel));
        await loop.After(Watch);
        var taken = loop.Counters.Turns - turns;
        Assert.That(taken, Is.LessThanOrEqualTo(OfTheWatch), $"Turns in {Watch.TotalSeconds} s.");
        return Calls(kernel) - calls;
    }

    private static int Calls(ScriptedKernel kernel) => Enum.GetValues<KernelCall>().Sum(kernel.Count);
}
