using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What becomes of a silent client when the time of <see cref="ListenOptions.DeferAccept"/> is over.</summary>
[TestFixture]
public sealed class DeferAcceptRunsOutTests
{
    // Linux counts it in retransmissions of its SYN-ACK, of which the first comes after a second (tcp(7)).
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);

    [Test]
    public async Task It_is_accepted_all_the_same_and_served_whenever_it_speaks()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, new ListenOptions { DeferAccept = Short }).Within();
        using var silent = RawPeer.Dial(listener.LocalEndPoint);
        using var speaking = RawPeer.Dial(listener.LocalEndPoint);
        speaking.Send("x");
        Assert.That(speaking.ReadText(1), Is.EqualTo("x"));
        Assert.That(listener.Accepted, Is.EqualTo(1), "The silent one is kept back.");

        await Until.True(() => listener.Accepted == 2);

        silent.Send("late");
        Assert.That(silent.ReadText(4), Is.EqualTo("late"));
    }

    [Test]
    public async Task From_then_on_FirstByteTimeout_counts()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(
            Loopback.AnyPort,
            Handlers.Echo,
            new ListenOptions { DeferAccept = Short, FirstByteTimeout = TimeSpan.FromMilliseconds(50) }).Within();

        using var silent = RawPeer.Dial(listener.LocalEndPoint);

        Assert.That(silent.EndsInOrder(), Is.False);
        Assert.That((loop.Counters.Accepted, loop.Counters.FirstByteTimeouts), Is.EqualTo((1, 1)));
    }
}
