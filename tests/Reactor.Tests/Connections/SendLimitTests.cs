using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>One who writes and writes and waits for nothing is stopped at <see cref="ConnectionOptions.MaxUnsentBytes"/>.</summary>
[TestFixture(true)]
[TestFixture(false)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SendLimitTests(bool onLoop) : IDisposable
{
    private const int Limit = 100_000;

    private static readonly ConnectOptions Limited = new() { MaxUnsentBytes = Limit };

    private readonly LogRecorder _log = new();
    private readonly ScriptedKernel _kernel = new();

    public void Dispose() => _log.Dispose();

    [Test]
    public async Task Written_and_never_flushed()
    {
        await using var wire = await Wire.Dial(_kernel, Limited, _log);

        await wire.Run(onLoop, () =>
        {
            Fill(wire.Connection, Limit);
            Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.None), "As much as it may.");

            Fill(wire.Connection, 1);
            var error = Assert.Throws<ConnectionAbortedException>(() => Fill(wire.Connection, 1));
            Assert.That(error!.Reason, Is.EqualTo(CloseReason.SendLimit));
            return Task.CompletedTask;
        });

        await ExpectLimit(wire);
    }

    [Test]
    public async Task Flushed_and_each_flush_given_up()
    {
        var faucet = new Faucet(_kernel);
        await using var wire = await Wire.Dial(_kernel, Limited with { SendHighWatermark = 1 }, _log);
        faucet.Close();

        await wire.Run(onLoop, async () =>
        {
            var error = await Assert.ThrowsAsync<ConnectionAbortedException>(async () =>
            {
                for (var i = 0; i < 100; i++)
                {
                    using var giveUp = new CancellationTokenSource();
                    var flushing = wire.Connection.Output.WriteAsync(new byte[2_000], giveUp.Token).AsTask();
                    await wire.Settled();
                    await giveUp.CancelAsync();
                    try
                    {
                        await flushing.Within();
                    }
                    catch (OperationCanceledException)
                    {
                        // It wrote and does not wait: that is what is limited.
                    }
                }
            });
            Assert.That(error!.Reason, Is.EqualTo(CloseReason.SendLimit));
        });

        await ExpectLimit(wire);
    }

    [Test]
    public async Task Flushed_with_CancelPendingFlush_each_time()
    {
        var faucet = new Faucet(_kernel);
        await using var wire = await Wire.Dial(_kernel, Limited with { SendHighWatermark = 1 }, _log);
        faucet.Close();

        await wire.Run(onLoop, async () =>
        {
            var written = 0;
            var error = await Assert.ThrowsAsync<ConnectionAbortedException>(async () =>
            {
                for (; written < 100; written++)
                {
                    wire.Connection.Output.CancelPendingFlush();
                    Assert.That((await wire.Connection.Output.WriteAsync(new byte[2_000]).Within()).IsCanceled, Is.True);
                }
            });
            Assert.That(error!.Reason, Is.EqualTo(CloseReason.SendLimit));
            Assert.That(written, Is.EqualTo((Limit / 2_000) + 1));
        });

        await ExpectLimit(wire);
    }

    [Test]
    public async Task A_limit_below_the_high_watermark_holds_as_well()
    {
        var faucet = new Faucet(_kernel);
        await using var wire = await Wire.Dial(_kernel, new ConnectOptions { MaxUnsentBytes = 10_000 }, _log);
        faucet.Close();

        await wire.Run(onLoop, async () =>
        {
            for (var i = 0; i < 10; i++)
                await wire.Connection.Output.WriteAsync(new byte[1_000]).Within();
            Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.None));

            var error = await Assert.ThrowsAsync<ConnectionAbortedException>(async () =>
            {
                await wire.Connection.Output.WriteAsync(new byte[1]).Within();
                await wire.Connection.Output.WriteAsync(new byte[1]).Within();
            });
            Assert.That(error!.Reason, Is.EqualTo(CloseReason.SendLimit));
        });

        await ExpectLimit(wire);
    }

    [Test]
    public async Task An_urgent_byte_counts_as_any_other()
    {
        await using var wire = await Wire.Dial(_kernel, Limited, _log);

        await wire.Run(onLoop, async () =>
        {
            Fill(wire.Connection, Limit);
            var error = await Assert.ThrowsAsync<ConnectionAbortedException>(async () =>
            {
                await wire.Connection.SendUrgentAsync((byte)'!').Within();
                await wire.Connection.Output.FlushAsync().Within();
            });
            Assert.That(error!.Reason, Is.EqualTo(CloseReason.SendLimit));
        });

        await ExpectLimit(wire);
    }

    [Test]
    public async Task Who_awaits_each_flush_is_never_stopped_however_slow_the_peer_and_large_the_write()
    {
        await using var wire = await Wire.Dial(_kernel, Limited with { SendBufferSize = 16 * 1024 }, peerReceiveBuffer: 16 * 1024);
        var random = new Random(11);
        var message = new byte[4_000_000];
        random.NextBytes(message);
        var reading = Task.Run(wire.Peer.ReadToEnd);

        await wire.Run(onLoop, async () =>
        {
            // The largest is ten times the limit.
            for (var at = 0; at < message.Length;)
            {
                var size = Math.Min(random.Next(1, 10 * Limit), message.Length - at);
                await wire.Connection.Output.WriteAsync(message.AsMemory(at, size)).Within();
                at += size;
            }

            wire.Connection.ShutdownSend();
        });

        Assert.That((await reading.Within()).AsSpan().SequenceEqual(message), Is.True);
        Assert.That(wire.Loop.Counters.SendLimits, Is.Zero);
    }

    private static void Fill(Connection connection, int count)
    {
        while (count > 0)
        {
            var memory = connection.Output.GetMemory();
            var part = Math.Min(count, memory.Length);
            connection.Output.Advance(part);
            count -= part;
        }
    }

    private async Task ExpectLimit(Wire wire)
    {
        await Until.Canceled(wire.Connection.Closed);
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.SendLimit));
        Assert.That(wire.Peer.EndsInOrder(), Is.False);
        Assert.That(wire.Loop.Counters.SendLimits, Is.EqualTo(1));
        var line = _log.Lines.Single();
        Assert.That((line.Event.Id, line.Level), Is.EqualTo((23, LogLevel.Debug)));
        Assert.That(line.Text, Does.Contain("SendLimit"));
        await wire.Connection.CloseAsync().Within();
        Assert.That(wire.Loop.Counters.RentedBuffers, Is.Zero);
    }
}
