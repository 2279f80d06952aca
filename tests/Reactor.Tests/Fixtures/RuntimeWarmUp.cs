using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Has the runtime open its own socket engine before the first descriptor is counted.</summary>
[SetUpFixture]
public sealed class RuntimeWarmUp
{
    [OneTimeSetUp]
    public async Task Open_the_runtime_s_own_descriptors()
    {
        KqueueLibrary.Load();
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var dialled = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var accepting = listener.AcceptAsync();
        await dialled.ConnectAsync(listener.LocalEndPoint!);
        using var accepted = await accepting;
        var receiving = accepted.ReceiveAsync(new byte[1]);
        await dialled.SendAsync(new byte[1]);
        await receiving;
        await Dns.GetHostAddressesAsync("localhost");
    }
}
