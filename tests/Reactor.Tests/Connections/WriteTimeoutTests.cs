using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A peer that takes nothing of what waits for it is given up after <see cref="ConnectionOptions.WriteTimeout"/>.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class WriteTimeoutTests : IDisposable
{
    private static readonly ConnectOptions Impatient = new() { WriteTimeout = TimeSpan.FromSeconds(10), SendHighWatermark = 1_000 };

    private readonly LogRecorder _log = new();
    private readonly ScriptedKernel _kernel = new();
    private readonly Faucet _faucet;

    public WriteTimeoutTests() => _faucet = new Faucet(_kernel);

    public void Dispose() => _log.Dispose();

    [Test]
    public async Task A_peer_that_takes_nothing_is_reset_and_who_waits_is_told()
    {
        await using var wire = await Wire.Dial(_kernel, Impatient, _log);
        _faucet.Close();
        var flushing = wire.Connection.Output.WriteAsync(new byte[5_000]).AsTask();

        await PassTime(wire, seconds: 9);
        Assert.That(flushing.IsCompleted, Is.False);
        await PassTime(wire, seconds: 2);

        var error = await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await flushing.Within());
        Assert.That((error!.Reason, wire.Connection.CloseReason), Is.EqualTo((CloseReason.WriteTimeout, CloseReason.WriteTimeout)));
        Assert.That(wire.Peer.EndsInOrder(), Is.False);
        await Until.Canceled(wire.Connection.Closed);
        var counters = wire.Loop.Counters;
        Assert.That((counters.WriteTimeouts, counters.Timers, counters.RentedBuffers), Is.EqualTo((1, 0, 0)));
        var line = _log.Lines.Single();
        Assert.That((line.Event.Id, line.Level), Is.EqualTo((23, LogLevel.Debug)));
        Assert.That(line.Text, Does.Contain("WriteTimeout").And.Contain($"{wire.Connection.RemoteEndPoint}"));
    }

    [Test]
    public async Task A_peer_that_has_reset_takes_nothing_and_yet_what_it_sent_before_is_read()
    {
        await using var wire = await Wire.Dial(_kernel, Impatient);
        _faucet.Close();
        await wire.Connection.Output.WriteAsync("few bytes"u8.ToArray()).Within();
        wire.Peer.Send("last words");
        wire.Peer.Reset();
        await Until.True(() => wire.Connection.CloseReason == CloseReason.Reset);

        await PassTime(wire, seconds: 11);

        Assert.That(await wire.ReadText(10), Is.EqualTo("last words"));
        await Assert.ThrowsAsync<ConnectionResetException>(async () => await wire.Connection.Input.ReadAsync().Within());
        Assert.That(wire.Loop.Counters.RentedBuffers, Is.Zero);
    }

    [Test]
    public async Task It_holds_for_bytes_that_wait_while_nobody_awaits_a_flush()
    {
        await using var wire = await Wire.Dial(_kernel, Impatient);
        _faucet.Close();
        await wire.Connection.Output.WriteAsync("few bytes"u8.ToArray()).Within();

        await PassTime(wire, seconds: 11);

        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.WriteTimeout));
        var error = await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await wire.Connection.Output.WriteAsync("more"u8.ToArray()).Within());
        Assert.That(error!.Reason, Is.EqualTo(CloseReason.WriteTimeout));
    }

    [Test]
    public async Task A_peer_that_takes_a_byte_now_and_then_stays_for_as_long_as_it_does()
    {
        await using var wire = await Wire.Dial(_kernel, Impatient);
        _faucet.Close();
        var flushing = wire.Connection.Output.WriteAsync(new byte[5_000]).AsTask();
        await wire.Settled();
        for (var taken = 1; taken <= 6; taken++)
        {
            await PassTime(wire, seconds: 8);
            _faucet.Give(wire.Loop, room: 1);
            var sent = taken;
            await Until.True(() => wire.Loop.Counters.BytesSent == sent);
        }

        Assert.That((flushing.IsCompleted, wire.Connection.CloseReason), Is.EqualTo((false, CloseReason.None)));

        await PassTime(wire, seconds: 9);
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.None));
        await PassTime(wire, seconds: 2);
        await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await flushing.Within());
    }

    [Test]
    public async Task The_time_begins_when_something_begins_to_wait()
    {
        await using var wire = await Wire.Dial(_kernel, Impatient);
        await wire.Connection.Output.WriteAsync("taken at once"u8.ToArray()).Within();
        await PassTime(wire, seconds: 3_600);
        Assert.That(wire.Loop.Counters.Timers, Is.Zero, "Nothing waits.");

        _faucet.Close();
        await wire.Connection.Output.WriteAsync("waits"u8.ToArray()).Within();
        await PassTime(wire, seconds: 9);

        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.None));
    }

    [Test]
    public async Task Each_wait_has_its_own_time()
    {
        await using var wire = await Wire.Dial(_kernel, Impatient);
        _faucet.Close();
        await wire.Connection.Output.WriteAsync("first"u8.ToArray()).Within();
        await PassTime(wire, seconds: 9);
        _faucet.Give(wire.Loop, int.MaxValue);
        Assert.That(wire.Peer.ReadText(5), Is.EqualTo("first"));
        await wire.Settled();

        // The timer of the first wait still runs, and finds that it was another.
        _faucet.Close();
        await wire.Connection.Output.WriteAsync("second"u8.ToArray()).Within();
        await PassTime(wire, seconds: 9);
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.None));

        await PassTime(wire, seconds: 2);
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.WriteTimeout));
    }

    [Test]
    public async Task A_close_that_waits_for_the_peer_ends_with_it()
    {
        await using var wire = await Wire.Dial(_kernel, Impatient with { CloseTimeout = TimeSpan.FromHours(1) });
        _faucet.Close();
        await wire.Connection.Output.WriteAsync("few bytes"u8.ToArray()).Within();
        var closing = wire.Connection.CloseAsync().AsTask();

        await PassTime(wire, seconds: 11);

        await closing.Within();
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.WriteTimeout));
    }

    [Test]
    public async Task On_a_real_socket_a_peer_that_never_reads_is_reset_and_one_that_reads_slowly_gets_everything()
    {
        await using var loop = TestLoop.Start();
        var options = new ListenOptions { WriteTimeout = TimeSpan.FromSeconds(2), SendBufferSize = 16 * 1024 };
        var message = new byte[2_000_000];
        new Random(10).NextBytes(message);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection => await connection.Output.WriteAsync(message), options).Within();
        using var slow = RawPeer.Dial(listener.LocalEndPoint, receiveBuffer: 64 * 1024);
        using var stalled = RawPeer.Dial(listener.LocalEndPoint, receiveBuffer: 8 * 1024);

        // A piece every so often, for longer than the timeout: never nothing for as long.
        using var got = new MemoryStream();
        var waited = System.Diagnostics.Stopwatch.StartNew();
        var piece = new byte[50_000];
        while (got.Length < message.Length)
        {
            var count = slow.Read(piece);
            Assert.That(count, Is.GreaterThan(0));
            got.Write(piece, 0, count);
            await loop.After(TimeSpan.FromMilliseconds(75));
        }

        Assert.That(got.ToArray().AsSpan().SequenceEqual(message), Is.True);
        TestContext.Out.WriteLine($"The slow one took {waited.ElapsedMilliseconds} ms.");
        await Until.True(() => loop.Counters.WriteTimeouts == 1);
        Assert.That(stalled.EndsInOrder(), Is.False);
    }

    private async Task PassTime(Wire wire, int seconds)
    {
        await wire.Settled();
        _kernel.Jump(TimeSpan.FromSeconds(seconds));
        await wire.Settled();
    }
}
