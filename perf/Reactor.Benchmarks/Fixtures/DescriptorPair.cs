using System.Net;
using System.Net.Sockets;

namespace Reactor.Benchmarks.Fixtures;

/// <summary>Two ends of one TCP connection over loopback, as bare descriptors.</summary>
/// <param name="Left">The end that was dialled.</param>
/// <param name="Right">The end that was accepted.</param>
internal readonly record struct DescriptorPair(int Left, int Right)
{
    internal static DescriptorPair Open()
    {
        var kernel = Kernel.System;
        var address = new SocketAddress(AddressFamily.InterNetworkV6, Kernel.AddressSize);
        var listener = Succeeded(kernel.Socket(AddressFamily.InterNetwork));
        Succeeded(kernel.Bind(listener, new IPEndPoint(IPAddress.Loopback, 0).Serialize()));
        Succeeded(kernel.Listen(listener, backlog: 1));
        Succeeded(kernel.LocalAddress(listener, address));

        // Over loopback the handshake is over when connect(2) returns, whatever it answers.
        var left = Succeeded(kernel.Socket(AddressFamily.InterNetwork));
        _ = kernel.Connect(left, address);
        address.Size = address.Buffer.Length;
        var right = Succeeded(kernel.Accept(listener, address));
        Succeeded(kernel.SetOption(left, SocketOption.NoDelay, 1));
        Succeeded(kernel.SetOption(right, SocketOption.NoDelay, 1));
        Succeeded(kernel.Close(listener));
        return new DescriptorPair(left, right);
    }

    private static int Succeeded(int answer) =>
        answer >= 0 ? answer : throw new InvalidOperationException($"The system answered {((Errno)(-answer)).Name}.");
}
