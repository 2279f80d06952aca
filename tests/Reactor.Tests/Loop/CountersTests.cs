using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What a loop tells of itself.</summary>
[TestFixture]
public sealed class CountersTests
{
    [Test]
    public async Task They_count_what_is_there_and_what_was_done()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        using var timer = loop.StartTimer(TimeSpan.FromHours(1), static () => { });
        await connection.Output.WriteAsync("hello"u8.ToArray()).Within();
        var read = await connection.Input.ReadAtLeastAsync(5).Within();
        await Until.True(() => loop.Counters.Accepted == 1);

        var counters = loop.Counters;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(counters.Connections, Is.EqualTo(2));
            Assert.That(counters.Registrations, Is.EqualTo(3));
            Assert.That(counters.Timers, Is.EqualTo(1));
            Assert.That(counters.RentedBuffers, Is.EqualTo(1), "The one that is out with the reader.");
            Assert.That(counters.Connected, Is.EqualTo(1));
            Assert.That(counters.AcceptsRefused, Is.Zero);
            Assert.That(counters.BytesReceived, Is.EqualTo(10), "Both ends are on this loop.");
            Assert.That(counters.BytesSent, Is.EqualTo(10));
            Assert.That(counters.Turns, Is.GreaterThan(0));
        }

        connection.Input.AdvanceTo(read.Buffer.End);
        await connection.CloseAsync().Within();
        await Until.True(() => loop.Counters.Connections == 0);
        Assert.That(loop.Counters.RentedBuffers, Is.Zero);
    }

    [Test]
    public async Task A_refused_dial_counts_nowhere()
    {
        await using var loop = TestLoop.Start();
        using var refusing = Loopback.Refusing();

        await loop.TryConnectAsync(refusing.EndPoint).Within();

        Assert.That(loop.Counters, Is.EqualTo(new EventLoopCounters { Turns = loop.Counters.Turns }));
    }

    [Test]
    public void Those_of_two_loops_can_be_added()
    {
        var one = new EventLoopCounters { Turns = 1, Connections = 2, Registrations = 3, Timers = 4, RentedBuffers = 5, Accepted = 6, AcceptsRefused = 7, Connected = 8, BytesReceived = 9, BytesSent = 10 };

        var sum = one + one;

        Assert.That(sum, Is.EqualTo(new EventLoopCounters { Turns = 2, Connections = 4, Registrations = 6, Timers = 8, RentedBuffers = 10, Accepted = 12, AcceptsRefused = 14, Connected = 16, BytesReceived = 18, BytesSent = 20 }));
    }

    [Test]
    public async Task Each_connection_has_a_number_of_its_own()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();
        var connections = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => loop.ConnectAsync(listener.LocalEndPoint).AsTask())).Within();

        Assert.That(connections.Select(static connection => connection.Id), Is.Unique);
        foreach (var connection in connections)
            await connection.CloseAsync().Within();
    }
}
