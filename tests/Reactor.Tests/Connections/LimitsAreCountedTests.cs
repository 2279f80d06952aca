using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A connection that is given up by itself says why: as its reason, in the counters, and at Debug in the log.</summary>
[TestFixture]
public sealed class LimitsAreCountedTests
{
    [Test]
    public async Task IdleTimeout()
    {
        using var log = new LogRecorder();
        await using var wire = await Wire.Dial(options: new ConnectOptions { IdleTimeout = TimeSpan.FromMilliseconds(50) }, log: log);
        var reading = wire.Connection.Input.ReadAsync().AsTask();

        var error = await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await reading.Within());

        Assert.That(error!.Reason, Is.EqualTo(CloseReason.IdleTimeout));
        Assert.That(wire.Loop.Counters.IdleTimeouts, Is.EqualTo(1));
        ExpectLine(log, wire, "IdleTimeout");
    }

    [Test]
    public async Task IdleTimeout_of_an_accepted_connection_in_either_direction()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, new ListenOptions { IdleTimeout = TimeSpan.FromSeconds(10) }).Within();
        using var talking = RawPeer.Dial(listener.LocalEndPoint);
        using var silent = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Active == 2);
        for (var i = 0; i < 4; i++)
        {
            talking.Send("x");
            Assert.That(talking.ReadText(1), Is.EqualTo("x"));
            await loop.Settled();
            kernel.Jump(TimeSpan.FromSeconds(6));
            await loop.Settled();
        }

        Assert.That(silent.EndsInOrder(), Is.False);
        Assert.That((listener.Active, loop.Counters.IdleTimeouts), Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task CloseTimeout()
    {
        using var log = new LogRecorder();
        var kernel = new ScriptedKernel();
        var faucet = new Faucet(kernel);
        await using var wire = await Wire.Dial(kernel, new ConnectOptions { CloseTimeout = TimeSpan.FromMilliseconds(50) }, log);
        faucet.Close();
        await wire.Connection.Output.WriteAsync("never taken"u8.ToArray()).Within();

        await wire.Connection.CloseAsync().Within();

        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.CloseTimeout));
        Assert.That(wire.Loop.Counters.CloseTimeouts, Is.EqualTo(1));
        ExpectLine(log, wire, "CloseTimeout");
    }

    [Test]
    public async Task What_ends_otherwise_is_no_limit()
    {
        using var log = new LogRecorder();
        await using var wire = await Wire.Dial(options: new ConnectOptions { IdleTimeout = TimeSpan.FromHours(1), WriteTimeout = TimeSpan.FromHours(1) }, log: log);

        wire.Connection.Abort();

        await Until.Canceled(wire.Connection.Closed);
        var counters = wire.Loop.Counters;
        Assert.That(counters.IdleTimeouts + counters.WriteTimeouts + counters.SendLimits + counters.CloseTimeouts + counters.FirstByteTimeouts, Is.Zero);
        Assert.That(counters.Timers, Is.Zero);
        Assert.That(log.Lines, Is.Empty);
    }

    private static void ExpectLine(LogRecorder log, Wire wire, string reason)
    {
        var line = log.Lines.Single();
        Assert.That((line.Event.Id, line.Level), Is.EqualTo((23, LogLevel.Debug)));
        Assert.That(line.Text, Is.EqualTo($"Connection {wire.Connection.Id} with {wire.Connection.RemoteEndPoint} was aborted: {reason}."));
    }
}
