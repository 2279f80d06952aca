using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>
/// Another thread writes and completes the output while something flushed still waits for room: completing is on its way
/// to the loop, and the room may come before it or after it.
/// </summary>
[TestFixture]
public sealed class CompleteElsewhereTests
{
    private const int Queued = 20_000;

    private ScriptedKernel _kernel = null!;
    private Faucet _faucet = null!;
    private Wire _wire = null!;

    [SetUp]
    public async Task Connect()
    {
        _kernel = new ScriptedKernel();
        _faucet = new Faucet(_kernel);
        _wire = await Wire.Dial(_kernel);
    }

    [TearDown]
    public async Task Disconnect() => await _wire.DisposeAsync();

    [TestCase(true)]
    [TestCase(false)]
    public async Task The_peer_gets_every_byte_and_then_FIN(bool roomComesFirst)
    {
        var expected = await Queue();
        using var held = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();

        void Hold()
        {
            held.Set();
            release.Wait(Until.Limit);
        }

        // Sockets come before posted work in a turn, and timers after it: held in a timer the loop meets the room first.
        if (roomComesFirst)
            _wire.Loop.StartTimer(TimeSpan.Zero, Hold);
        else
            _wire.Loop.Post(Hold);
        Assert.That(held.Wait(Until.Limit), Is.True);

        "tail"u8.CopyTo(_wire.Connection.Output.GetMemory(4).Span);
        _wire.Connection.Output.Advance(4);
        await _wire.Connection.Output.CompleteAsync();
        _faucet.Give(_wire.Loop, int.MaxValue);
        release.Set();

        Assert.That(_wire.Peer.ReadToEnd().AsSpan().SequenceEqual([.. expected, .. "tail"u8]), Is.True);
        Assert.That(_kernel.Count(KernelCall.Shutdown), Is.EqualTo(1));
    }

    // Below the high watermark: the flush is done, and the bytes wait.
    private async Task<byte[]> Queue()
    {
        var bytes = new byte[Queued];
        new Random(1).NextBytes(bytes);
        _faucet.Close();
        await _wire.Connection.Output.WriteAsync(bytes).Within();
        Assert.That(_wire.Loop.Counters.BytesSent, Is.Zero, "The test's own premise.");
        return bytes;
    }
}
