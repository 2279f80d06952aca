using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Where what few connections use meets a fault: urgent data and the credentials of the peer.</summary>
internal static class SpecialFaults
{
    public static async Task SendUrgent(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial();
        using var _ = peer;
        peer.Socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.OutOfBandInline, true);
        scene.Inject();
        var sending = connection.SendUrgentAsync((byte)'!').AsTask();
        if (scene.IsTriedAgain)
        {
            await sending.Within();
            Assert.That(peer.ReadText(1), Is.EqualTo("!"));
        }
        else
        {
            await TransferFaults.Told(scene, () => sending, "send");
        }

        await connection.CloseAsync().Within();
    }

    /// <summary>The urgent byte is here already. EINVAL says that there is none, so that the next one is waited for.</summary>
    public static async Task ReceiveUrgent(FaultScene scene)
    {
        if (scene.Errno == Errno.EINVAL)
            KqueueLibrary.RequireUrgentNews();
        var (connection, peer) = await scene.Dial();
        using var _ = peer;
        peer.Socket.Send("!"u8, SocketFlags.OutOfBand);
        await Until.True(() => Kernel.System.IsAtMark(connection.Descriptor) == 1);
        await scene.Loop.Settled();
        scene.Inject();
        var receiving = connection.ReceiveUrgentAsync().AsTask();
        await Until.True(() => scene.Kernel.FaultsOf(KernelCall.ReceiveUrgent) == 1);

        if (scene.IsTriedAgain || scene.Errno == Errno.EINVAL)
        {
            if (scene.Errno == Errno.EINVAL) peer.Socket.Send("!"u8, SocketFlags.OutOfBand);
            Assert.That(await receiving.Within(), Is.EqualTo((byte)'!'));
        }
        else
        {
            await TransferFaults.Told(scene, () => receiving, "recv");
        }

        await connection.CloseAsync().Within();
    }

    public static async Task IsAtMark(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial();
        using var _ = peer;
        scene.Inject();
        await Refused(scene, () => connection.IsAtMarkAsync().AsTask(), "sockatmark");
        await ConnectingFaults.Works(connection, peer);
        await connection.CloseAsync().Within();
    }

    public static async Task PeerCredentials(FaultScene scene)
    {
        var (connection, peer) = await scene.Dial(new UnixDomainSocketEndPoint(scene.File("dialled")));
        using var _ = peer;
        scene.Inject();
        await Refused(scene, () => connection.GetPeerCredentialsAsync().AsTask(), "getsockopt");
        await ConnectingFaults.Works(connection, peer);
        await connection.CloseAsync().Within();
    }

    private static async Task Refused(FaultScene scene, Func<Task> asking, string syscall)
    {
        var exception = await Assert.ThrowsAsync<KernelException>(async () => await asking().Within());
        Assert.That(exception!.Syscall, Does.StartWith(syscall));
        Assert.That(exception.Errno, Is.EqualTo(scene.Errno));
    }
}
