using System.Net;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A listener whose system keeps a new connection to itself until bytes have come (TCP_DEFER_ACCEPT).</summary>
[TestFixture]
public sealed class DeferAcceptTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(25);

    [Test]
    public async Task A_handler_starts_only_when_bytes_have_come()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, new ListenOptions { DeferAccept = Long }).Within();
        using var silent = RawPeer.Dial(listener.LocalEndPoint);
        using var speaking = RawPeer.Dial(listener.LocalEndPoint);

        speaking.Send("hello");

        Assert.That(speaking.ReadText(5), Is.EqualTo("hello"));
        Assert.That((listener.Accepted, loop.Counters.Connections), Is.EqualTo((1, 1)), "The silent one came first, and nobody has been told of it.");
        silent.Send("late");
        Assert.That(silent.ReadText(4), Is.EqualTo("late"));
        Assert.That(listener.Accepted, Is.EqualTo(2));
    }

    [Test]
    public async Task Without_it_a_handler_starts_with_the_connection()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();

        using var silent = RawPeer.Dial(listener.LocalEndPoint);

        await Until.True(() => listener.Accepted == 1);
    }

    [Test]
    public async Task One_that_leaves_without_a_word_is_not_told_of()
    {
        await using var loop = TestLoop.Start();
        var started = 0;
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            started++;
            await Handlers.Echo(connection);
        }, new ListenOptions { DeferAccept = Long }).Within();
        for (var i = 0; i < 10; i++)
            RawPeer.Dial(listener.LocalEndPoint).Reset();
        using var speaking = RawPeer.Dial(listener.LocalEndPoint);

        speaking.Send("hello");

        Assert.That(speaking.ReadText(5), Is.EqualTo("hello"));
        Assert.That(started, Is.EqualTo(1));
    }

    [Test]
    public async Task Our_own_dial_to_such_a_listener_is_connected_before_it_is_accepted()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(new IPEndPoint(IPAddress.Loopback, 0), Handlers.Uppercase, new ListenOptions { DeferAccept = Long }).Within();

        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        await loop.Settled();
        Assert.That(listener.Accepted, Is.Zero);

        await connection.Output.WriteAsync("hello"u8.ToArray()).Within();
        var read = await connection.Input.ReadAtLeastAsync(5).Within();
        Assert.That(System.Buffers.BuffersExtensions.ToArray(read.Buffer), Is.EqualTo("HELLO"u8.ToArray()));
        connection.Input.AdvanceTo(read.Buffer.End);
    }
}
