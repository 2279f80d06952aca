using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Where listening and accepting meet a fault: who listens is told, who dials is served or sees the end.</summary>
internal static class ListeningFaults
{
    public static Task Listen(FaultScene scene) => Refused(scene, Loopback.AnyPort, SyscallOf(scene.Call), scene.Errno);

    public static Task ListenThroughADevice(FaultScene scene) =>
        Refused(scene, Loopback.AnyPort, "setsockopt", scene.Errno, options: new ListenOptions { Device = "lo" });

    public static Task ListenUnix(FaultScene scene) => ListenUnix(scene, new ListenOptions());

    public static Task ListenWithAMode(FaultScene scene) => ListenUnix(scene, new ListenOptions { FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });

    public static Task ListenForAnOwner(FaultScene scene) => ListenUnix(scene, new ListenOptions { FileGroup = 0 });

    /// <summary>Who asked for any port must be told which, so a listener that does not know is no use.</summary>
    public static async Task ListenOnAnyPort(FaultScene scene)
    {
        scene.Inject();
        try
        {
            await using var listener = await scene.Loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
            Assert.That(((IPEndPoint)listener.LocalEndPoint).Port, Is.Not.Zero);
        }
        catch (ListenException exception)
        {
            Assert.That((exception.Syscall, exception.Errno), Is.EqualTo(("getsockname", scene.Errno)));
        }
    }

    /// <summary>A descriptor that could not be taken over is still its owner's.</summary>
    public static async Task Adopt(FaultScene scene)
    {
        using var inherited = RawListener.Start(Loopback.AnyPort);
        var descriptor = (int)inherited.Socket.Handle;
        scene.Inject();
        var error = (await Assert.ThrowsAsync<ListenException>(() => scene.Loop.ListenAsync(descriptor, Handlers.Echo).Within()))!;
        Assert.That((error.Syscall, error.Errno), Is.EqualTo(($"fcntl of descriptor {descriptor}", scene.Errno)));
        using var peer = RawPeer.Dial(inherited.LocalEndPoint);
        inherited.Accept().Dispose();
    }

    /// <summary>It listens without the descriptor that it keeps for bad times.</summary>
    public static async Task ListenWithoutReserve(FaultScene scene)
    {
        scene.Inject(first: 2);
        await using var listener = await scene.Loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        Echoes(listener);
    }

    /// <summary>Whatever keeps it from finding out that a socket file is stale, or from removing it, the address counts as in use.</summary>
    public static async Task ListenOverAStaleFile(FaultScene scene)
    {
        await Refused(scene, StaleFile(scene), "bind", Errno.EADDRINUSE);
    }

    public static Task BindOverAStaleFile(FaultScene scene) => Refused(scene, StaleFile(scene), "bind", scene.Errno, first: 2);

    public static async Task StopListening(FaultScene scene)
    {
        var path = scene.File("listened");
        var listener = await scene.Loop.ListenAsync(new UnixDomainSocketEndPoint(path), Handlers.Echo).Within();
        Echoes(listener);
        scene.Inject();
        await listener.DisposeAsync().AsTask().Within();
        await listener.Completion.Within();
        Assert.That(File.Exists(path), Is.False);
    }

    public static async Task Accept(FaultScene scene)
    {
        scene.Inject();
        using var peer = RawPeer.Dial(scene.Listener.LocalEndPoint);
        switch (scene.Errno)
        {
            case Errno.EBADF or Errno.EFAULT or Errno.EINVAL or Errno.ENOTSOCK:
                var error = await Assert.ThrowsAsync<ListenException>(async () => await scene.Listener.Completion.Within());
                Assert.That((error!.Syscall, error.Errno), Is.EqualTo(("accept", scene.Errno)));
                await scene.Listen();
                break;
            case Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM or Errno.ENOSR:
                ServedOrEnded(peer);
                Assert.That(scene.Listener.Completion.IsCompleted, Is.False);
                break;
            default:
                peer.Send("x");
                Assert.That(peer.ReadText(1), Is.EqualTo("x"));
                Assert.That(scene.Listener.Completion.IsCompleted, Is.False);
                break;
        }
    }

    /// <summary>A connection that cannot be registered is dropped, and its client sees that.</summary>
    public static void AcceptWithoutRegistering(FaultScene scene)
    {
        scene.Inject();
        using var peer = RawPeer.Dial(scene.Listener.LocalEndPoint);
        peer.EndsInOrder();
    }

    /// <summary>The addresses are only for show.</summary>
    public static async Task AcceptOnEveryAddress(FaultScene scene)
    {
        await using var listener = await scene.Loop.ListenAsync(new IPEndPoint(IPAddress.Any, 0), Handlers.Echo).Within();
        scene.Inject();
        Echoes(listener);
    }

    internal static void ServedOrEnded(RawPeer peer)
    {
        try
        {
            peer.Send("x");
            var answer = new byte[1];
            Assert.That(peer.Read(answer) == 0 || answer[0] == 'x', Is.True);
        }
        catch (SocketException reset) when (reset.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            // Ended with the byte unread.
        }
    }

    private static void Echoes(Listener listener)
    {
        var endPoint = listener.LocalEndPoint is IPEndPoint ip ? new IPEndPoint(IPAddress.Loopback, ip.Port) : listener.LocalEndPoint;
        using var peer = RawPeer.Dial(endPoint);
        peer.Send("x");
        Assert.That(peer.ReadText(1), Is.EqualTo("x"));
    }

    private static async Task ListenUnix(FaultScene scene, ListenOptions options)
    {
        var path = scene.File("listened");
        await Refused(scene, new UnixDomainSocketEndPoint(path), SyscallOf(scene.Call), scene.Errno, options: options);
        Assert.That(File.Exists(path), Is.False, "Nothing is left behind.");
    }

    private static async Task Refused(FaultScene scene, EndPoint at, string syscall, Errno errno, int first = 1, ListenOptions? options = null)
    {
        scene.Inject(first);
        var exception = await Assert.ThrowsAsync<ListenException>(async () => await scene.Loop.ListenAsync(at, Handlers.Echo, options).Within());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(exception!.Syscall, Does.StartWith(syscall));
            Assert.That(exception.Errno, Is.EqualTo(errno));
            Assert.That(exception.EndPoint, Is.EqualTo(at));
            Assert.That(exception.Message, Does.Contain(errno.Name));
        }
    }

    private static string SyscallOf(KernelCall call) => call switch
    {
        KernelCall.Socket => "socket",
        KernelCall.SetOption or KernelCall.BindToDevice => "setsockopt",
        KernelCall.Bind => "bind",
        KernelCall.Listen => "listen",
        KernelCall.SetMode => "chmod",
        KernelCall.SetOwner => "chown",
        _ => KqueueLibrary.AddSyscall,
    };

    private static UnixDomainSocketEndPoint StaleFile(FaultScene scene)
    {
        var endPoint = new UnixDomainSocketEndPoint(scene.File("stale"));
        using var dead = RawPeer.NewSocket(endPoint);
        Assert.That(Kernel.System.Bind((int)dead.Handle, endPoint.Serialize()), Is.Zero);
        return endPoint;
    }
}
