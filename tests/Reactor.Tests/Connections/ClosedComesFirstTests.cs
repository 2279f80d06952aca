using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Who watches <see cref="Connection.Closed"/> hears of an end before the read that it ends.</summary>
[TestFixture]
public sealed class ClosedComesFirstTests
{
    [Test]
    public async Task A_registration_that_is_disposed_of_when_the_read_fails_has_run()
    {
        await using var loop = TestLoop.Start();
        var heard = new TaskCompletionSource<CloseReason>(TaskCreationOptions.RunContinuationsAsynchronously);
        var options = new ListenOptions { FirstByteTimeout = TimeSpan.FromMilliseconds(50) };
        await using var listener = await loop.ListenAsync(
            Loopback.AnyPort,
            async connection =>
            {
                using var registration = connection.Closed.UnsafeRegister(_ => heard.TrySetResult(connection.CloseReason), null);
                await connection.Input.ReadAsync();
            },
            options).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        Assert.That(await heard.Task.Within(), Is.EqualTo(CloseReason.FirstByteTimeout));
    }

    [Test]
    public async Task A_callback_that_throws_is_logged_and_the_read_is_told_all_the_same()
    {
        using var log = new LogRecorder();
        await using var wire = await Wire.Dial(log: log);
        using var registration = wire.Connection.Closed.UnsafeRegister(static _ => throw new InvalidDataException("mine"), null);
        var reading = wire.Connection.Input.ReadAsync().AsTask();

        wire.Peer.Reset();

        await Assert.ThrowsAsync<ConnectionResetException>(async () => await reading.Within());
        Assert.That(log.Lines, Has.One.Matches<LogLine>(static line => line is { Exception: AggregateException }));
    }
}
