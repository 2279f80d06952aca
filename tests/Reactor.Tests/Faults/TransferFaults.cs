using System.Buffers;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Where an established connection meets a fault: its bytes arrive, or who reads or writes is told why not.</summary>
internal static class TransferFaults
{
    private const int SmallBuffer = 16 * 1024;
    private const int Bulk = 512 * 1024;

    public static async Task Read(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial();
        using var _ = peer;
        scene.Inject();
        var reading = connection.Input.ReadAsync().AsTask();
        peer.Send("x");

        if (scene.IsTriedAgain)
        {
            var read = await reading.Within();
            Assert.That(read.Buffer.Length, Is.EqualTo(1));
            connection.Input.AdvanceTo(read.Buffer.End);
        }
        else
        {
            await Told(scene, () => reading, "recv");
        }

        await connection.CloseAsync().Within();
    }

    /// <summary>The handler ends with its connection, and its peer sees that.</summary>
    public static void Echo(FaultScene scene)
    {
        scene.Inject();
        using var peer = RawPeer.Dial(scene.Listener.LocalEndPoint);
        peer.Send("x");
        if (scene.IsTriedAgain) Assert.That(peer.ReadText(1), Is.EqualTo("x"));
        else peer.EndsInOrder();
    }

    /// <summary>Closing throws away what was not read.</summary>
    public static async Task CloseUnread(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial();
        using var _ = peer;
        peer.Send("unread");
        await Until.True(() => Kernel.System.Peek(connection.Descriptor, new byte[6]) == 6);
        await scene.Loop.Settled();
        scene.Inject();
        await connection.CloseAsync().Within();
        peer.EndsInOrder();
    }

    /// <summary>Closing reads on for a while, so that the peer gets what was sent last.</summary>
    public static async Task LingeringClose(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial(options: new ConnectOptions { Linger = TimeSpan.FromSeconds(20) });
        using var _ = peer;
        scene.Inject();
        var closing = connection.CloseAsync().AsTask();
        await Until.True(() => scene.Kernel.FaultsOf(KernelCall.Receive) == 1);
        Assert.That(peer.EndsInOrder(), Is.True);
        peer.Dispose();
        await closing.Within();
    }

    /// <summary>Bytes came, then a reset: looking for the bytes fails.</summary>
    public static async Task ReadBehindAReset(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial();
        peer.Send("last");
        await Until.True(() => Kernel.System.Peek(connection.Descriptor, new byte[4]) == 4);
        scene.Inject();
        peer.Reset();
        await Until.True(() => scene.Kernel.FaultsOf(KernelCall.Peek) == 1);

        if (scene.Errno == Errno.EINTR)
        {
            var read = await connection.Input.ReadAsync().Within();
            Assert.That(read.Buffer.Length, Is.EqualTo(4), "An interruption loses nothing.");
            connection.Input.AdvanceTo(read.Buffer.End);
        }

        var reset = await Assert.ThrowsAsync<ConnectionResetException>(async () =>
        {
            while (true)
            {
                var read = await connection.Input.ReadAsync().Within();
                connection.Input.AdvanceTo(read.Buffer.End);
            }
        });
        Assert.That(reset!.Errno, Is.EqualTo(Errno.ECONNRESET));
    }

    public static async Task Write(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial();
        using var _ = peer;
        scene.Inject();
        var writing = connection.Output.WriteAsync("hello"u8.ToArray()).AsTask();
        if (scene.IsTriedAgain)
        {
            await writing.Within();
            Assert.That(peer.ReadText(5), Is.EqualTo("hello"));
        }
        else
        {
            await Told(scene, () => writing, "send");
        }

        await connection.CloseAsync().Within();
    }

    /// <summary>A connection that broke while writing gives its reader the bytes that are there, and then no more than the reason.</summary>
    public static async Task WriteWithBytesUnread(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial();
        using var _ = peer;
        peer.Send("last");
        await Until.True(() => Kernel.System.Peek(connection.Descriptor, new byte[4]) == 4);
        await scene.Loop.Settled();
        scene.Inject();
        var writing = connection.Output.WriteAsync("hello"u8.ToArray()).AsTask();
        if (scene.IsTriedAgain) await writing.Within();
        else await Told(scene, () => writing, "send");

        var read = await connection.Input.ReadAsync().Within();
        Assert.That(read.Buffer.Length, Is.EqualTo(4));
        connection.Input.AdvanceTo(read.Buffer.End);
        if (!scene.IsTriedAgain) await Told(scene, () => connection.Input.ReadAsync().AsTask(), null);
        await connection.CloseAsync().Within();
    }

    /// <summary>Several buffers in one flush.</summary>
    public static async Task FlushSeveral(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial();
        using var _ = peer;
        scene.Inject();
        var bytes = Bytes(200_000);
        connection.Output.Write(bytes.AsSpan(0, 60_000));
        connection.Output.Write(bytes.AsSpan(60_000, 60_000));
        connection.Output.Write(bytes.AsSpan(120_000));
        await Delivered(scene, connection, peer, connection.Output.FlushAsync().AsTask(), bytes);
    }

    /// <summary>What the system did not take at once is sent when the poller tells of room.</summary>
    public static async Task SendWhatWasQueued(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial(options: new ConnectOptions { SendBufferSize = SmallBuffer }, peerReceiveBuffer: SmallBuffer);
        using var _ = peer;
        var bytes = Bytes(Bulk);
        var first = bytes.AsMemory(0, Bulk - 100);
        var writing = connection.Output.WriteAsync(first).AsTask();
        await Until.True(() => connection.Loop.Counters.BytesSent > 0);
        await scene.Loop.Settled();
        Assert.That(writing.IsCompleted, Is.False, "The peer does not read.");
        scene.Inject();

        // With nothing but what a write lent there is one piece only; a cancelled one is copied into several.
        if (scene.Call == KernelCall.Gather)
        {
            connection.Output.CancelPendingFlush();
            Assert.That((await writing.Within()).IsCanceled, Is.True);
            writing = connection.Output.WriteAsync(bytes.AsMemory(first.Length)).AsTask();
            await Delivered(scene, connection, peer, writing, bytes);
            return;
        }

        await Delivered(scene, connection, peer, writing, bytes[..first.Length]);
    }

    public static async Task ShutdownSend(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial();
        using var _ = peer;
        scene.Inject();
        connection.ShutdownSend();
        await Until.True(() => scene.Kernel.FaultsOf(KernelCall.Shutdown) == 1);
        await connection.CloseAsync().Within();
        Assert.That(peer.EndsInOrder(), Is.True);
    }

    public static async Task Close(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial();
        using var _ = peer;
        await ConnectingFaults.Works(connection, peer);
        scene.Inject();
        await connection.CloseAsync().Within();
        Assert.That(peer.EndsInOrder(), Is.True);
    }

    /// <summary>Without SO_LINGER there is no reset, but an end there is.</summary>
    public static async Task Abort(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial();
        using var _ = peer;
        scene.Inject();
        connection.Abort();
        await Until.Canceled(connection.Closed);
        peer.EndsInOrder();
        Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.Aborted));
    }

    /// <summary>An event says that the connection is broken, and SO_ERROR says why.</summary>
    public static async Task Break(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial();
        using var _ = peer;
        var reading = connection.Input.ReadAsync().AsTask();
        await scene.Loop.Settled();
        scene.Inject();
        scene.Kernel.Inject(new Fault { Call = KernelCall.Wait, Descriptor = connection.Descriptor, Spurious = Readiness.Error });
        await scene.Loop.Settled();
        await Told(scene, () => reading, null);
        peer.EndsInOrder();
    }

    /// <summary>Who waits is told of the errno, by name and number.</summary>
    internal static async Task Told(FaultScene scene, Func<Task> waiting, string? syscall)
    {
        var told = await Assert.CatchAsync<ConnectionException>(async () => await waiting().Within());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(told!.Errno, Is.EqualTo(scene.Errno));
            if (syscall is not null) Assert.That(told.Syscall, Is.EqualTo(syscall));
            Assert.That(told.Message, Does.Contain(scene.Errno.Name));
            Assert.That(told is ConnectionResetException, Is.EqualTo(scene.Errno is Errno.ECONNRESET or Errno.EPIPE));
        }
    }

    private static async Task Delivered(FaultScene scene, Connection connection, RawPeer peer, Task writing, byte[] bytes)
    {
        if (scene.IsTriedAgain)
        {
            Assert.That(peer.ReadExactly(bytes.Length), Is.EqualTo(bytes));
            await writing.Within();
            await connection.CloseAsync().Within();
            Assert.That(peer.EndsInOrder(), Is.True);
            return;
        }

        // It comes to the fault when there is room, so the peer has to read meanwhile.
        var received = Task.Run(peer.EndsInOrder);
        await Told(scene, () => writing, "send");
        await connection.CloseAsync().Within();
        await received.Within();
    }

    private static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }
}
