using System.Buffers;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Two reads or two flushes at once, from whichever threads: one goes on, the other is told, and nothing breaks.</summary>
[TestFixture]
public sealed class TwoAtOnceTests
{
    private const int Rounds = 2_000;

    [Test]
    public async Task Of_writers_on_many_threads_each_one_either_writes_or_is_told()
    {
        await using var wire = await Wire.Dial();
        var reading = Task.Run(wire.Peer.ReadToEnd);
        var written = 0;
        var told = 0;

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                try
                {
                    await wire.Connection.Output.WriteAsync("x"u8.ToArray()).Within();
                    Interlocked.Increment(ref written);
                }
                catch (InvalidOperationException)
                {
                    Interlocked.Increment(ref told);
                }
            }
        }))).Within();

        wire.Connection.ShutdownSend();
        Assert.That(written + told, Is.EqualTo(4 * Rounds));
        Assert.That((await reading.Within()).Length, Is.EqualTo(written));
    }

    [Test]
    public async Task Of_readers_on_many_threads_each_one_either_reads_or_is_told()
    {
        await using var wire = await Wire.Dial();
        var received = 0L;
        var ends = 0;

        var readers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (Volatile.Read(ref ends) == 0)
            {
                using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(1));
                try
                {
                    var read = await wire.Connection.Input.ReadAsync(soon.Token).Within();
                    Interlocked.Add(ref received, read.Buffer.Length);
                    wire.Connection.Input.AdvanceTo(read.Buffer.End);
                    if (read.IsCompleted)
                        Interlocked.Increment(ref ends);
                }
                catch (Exception exception) when (exception is InvalidOperationException or OperationCanceledException)
                {
                    // Another was reading, or there was nothing to read.
                }
            }
        })).ToArray();
        for (var i = 0; i < Rounds; i++)
            wire.Peer.Send("hello");
        wire.Peer.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);

        await Task.WhenAll(readers).Within();
        Assert.That(received, Is.EqualTo(5 * Rounds));
    }

    [Test]
    public async Task Beside_a_handler_that_writes_on_the_loop_another_thread_is_told_or_writes()
    {
        await using var loop = TestLoop.Start();
        var accepted = new TaskCompletionSource<Connection>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            accepted.SetResult(connection);
            try
            {
                await Handlers.Echo(connection);
            }
            catch (InvalidOperationException)
            {
                connection.Abort();
            }
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        var connection = await accepted.Task.Within();
        var sending = Task.Run(() =>
        {
            for (var i = 0; i < Rounds && connection.CloseReason == CloseReason.None; i++)
                peer.Socket.Send("x"u8, System.Net.Sockets.SocketFlags.None, out _);
        });
        var draining = Task.Run(() =>
        {
            var buffer = new byte[4096];
            while (peer.Socket.Receive(buffer, 0, buffer.Length, System.Net.Sockets.SocketFlags.None, out _) > 0)
            {
                // What comes is anybody's.
            }
        });

        for (var i = 0; i < Rounds && connection.CloseReason == CloseReason.None; i++)
        {
            try
            {
                await connection.Output.WriteAsync("y"u8.ToArray()).Within();
            }
            catch (Exception exception) when (exception is InvalidOperationException or ConnectionException)
            {
                // The handler was writing, or it was told and gave up.
            }
        }

        await sending.Within();
        connection.Abort();
        await draining.Within();
        await Until.True(() => loop.Counters.Connections == 0);
    }
}
