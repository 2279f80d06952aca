using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Where a dial meets a fault: its caller is told of the call and the errno, or has a connection that works.</summary>
internal static class ConnectingFaults
{
    public static Task Dial(FaultScene scene) => Dial(scene, Loopback.AnyPort, new ConnectOptions());

    public static Task DialUnix(FaultScene scene) => Dial(scene, new UnixDomainSocketEndPoint(scene.File("dialled")), new ConnectOptions());

    public static Task DialFromAnAddress(FaultScene scene) => Dial(scene, Loopback.AnyPort, new ConnectOptions { LocalEndPoints = [Loopback.AnyPort] });

    public static Task DialThroughADevice(FaultScene scene) => Dial(scene, Loopback.AnyPort, new ConnectOptions { Device = "lo" });

    /// <summary>Without the option a port is bound that could be shared; that is no reason not to dial.</summary>
    public static async Task DialFromAnAddressWithoutTheOption(FaultScene scene)
    {
        using var listener = RawListener.Start();
        scene.Inject(first: 2);
        await using var connection = await new Connector(scene.Loop, new ConnectOptions { LocalEndPoints = [Loopback.AnyPort] }).ConnectAsync(listener.LocalEndPoint).Within();
        using var peer = listener.Accept();
        await Works(connection, peer);
    }

    /// <summary>The address is only for show, so the connection works without; and it can be aborted with a reset all the same.</summary>
    public static async Task DialWithoutKnowingTheOwnAddress(FaultScene scene)
    {
        using var listener = RawListener.Start();
        scene.Inject();
        var connection = await scene.Loop.ConnectAsync(listener.LocalEndPoint).Within();
        using var peer = listener.Accept();
        await Works(connection, peer);

        await scene.Loop.InvokeAsync(connection.Abort).Within();
        Assert.That(peer.EndsInOrder(), Is.False, "Abort sends RST.");
    }

    public static async Task CloseAfterRefusal(FaultScene scene)
    {
        using var refusing = Loopback.Refusing();
        scene.Inject();
        var result = await scene.Loop.TryConnectAsync(refusing.EndPoint).Within();
        Assert.That((result.Outcome, result.Errno), Is.EqualTo((ConnectOutcome.Refused, Errno.ECONNREFUSED)));
    }

    private static async Task Dial(FaultScene scene, EndPoint at, ConnectOptions options)
    {
        using var listener = RawListener.Start(at);
        scene.Inject();

        // So that who is told nothing is seen to have waited.
        var connector = new Connector(scene.Loop, options with { ConnectTimeout = TimeSpan.FromSeconds(3) });
        var result = await connector.TryConnectAsync(listener.LocalEndPoint).Within();
        if (result.Connection is { } connection)
        {
            using var peer = listener.Accept();
            await Works(connection, peer);
            await connection.CloseAsync().Within();
            Assert.That(GoesOn(scene, at), Is.True, $"{scene.Call} said {scene.Errno.Name}, and yet: {result}");
            return;
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Errno, Is.EqualTo(scene.Errno), result.ToString());
            Assert.That(result.Syscall, Does.Match(SyscallOf(scene.Call)));
            Assert.That(result.ToString(), Does.Contain(scene.Errno.Name));
            Assert.That(GoesOn(scene, at), Is.False, $"This says that it is under way: {result}");
        }
    }

    private static bool GoesOn(FaultScene scene, EndPoint at) => (scene.Call, scene.Errno) switch
    {
        (KernelCall.Connect, Errno.EINTR or Errno.EISCONN) => true,
        (KernelCall.Connect, Errno.EINPROGRESS or Errno.EALREADY) => at is IPEndPoint,
        (KernelCall.SocketError, Errno.EINPROGRESS or Errno.EALREADY) => true,
        (KernelCall.PeerAddress, Errno.ENOTCONN) => true,
        _ => false,
    };

    // An error that SO_ERROR tells is that of the connect.
    private static string SyscallOf(KernelCall call) => call switch
    {
        KernelCall.Socket => "^socket$",
        KernelCall.SetOption or KernelCall.BindToDevice => "^setsockopt",
        KernelCall.Bind => "^bind$",
        KernelCall.Add => $"^{KqueueLibrary.AddSyscall}$",
        KernelCall.SocketError => "^(connect|getsockopt.*)$",
        KernelCall.PeerAddress => "^(connect|getpeername)$",
        _ => "^connect$",
    };

    internal static async Task Works(Connection connection, RawPeer peer)
    {
        await connection.Output.WriteAsync("ping"u8.ToArray()).Within();
        Assert.That(peer.ReadText(4), Is.EqualTo("ping"));
        peer.Send("pong");
        var read = await connection.Input.ReadAtLeastAsync(4).Within();
        Assert.That(read.Buffer.Length, Is.EqualTo(4));
        connection.Input.AdvanceTo(read.Buffer.End);
    }
}
