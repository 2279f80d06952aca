using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Reactor.Tests.Fixtures;

/// <summary>One connect(2), with the kernel's time at which it was called.</summary>
internal sealed record ConnectCall(int Descriptor, IPEndPoint EndPoint, long AtNs);

/// <summary>
/// Lists every connect(2) of a loop, and holds back those that the test chooses: to the loop they are under way, and nothing
/// has gone out until the test lets them go. One that is never let go is a dead address.
/// </summary>
internal sealed class ConnectCalls
{
    private readonly ScriptedKernel _kernel;
    private readonly ConcurrentQueue<ConnectCall> _all = new();

    public ConnectCalls(ScriptedKernel kernel)
    {
        _kernel = kernel;
        kernel.OnConnect = Connect;
    }

    /// <summary>Answers the errno, negative, with which the address fails at once, or null for the real call. Asked before <see cref="IsHeld"/>.</summary>
    public Func<IPEndPoint, int?>? Fail { get; set; }

    public Func<IPEndPoint, bool>? IsHeld { get; set; }

    /// <summary>In the order in which they were called.</summary>
    public IReadOnlyList<ConnectCall> All => [.. _all];

    public IEnumerable<IPAddress> Addresses => All.Select(static call => call.EndPoint.Address);

    public int Count => _all.Count;

    /// <summary>The time between two of them.</summary>
    public TimeSpan Between(int earlier, int later) => TimeSpan.FromTicks((All[later].AtNs - All[earlier].AtNs) / TimeSpan.NanosecondsPerTick);

    /// <summary>Lets the last held ones to these addresses go, in this order and all in one turn of the loop.</summary>
    public Task LetGo(EventLoop loop, params IPAddress[] addresses) => loop.InvokeAsync(() =>
    {
        foreach (var address in addresses)
        {
            var held = All.Last(call => call.EndPoint.Address.Equals(address));
            _kernel.Real.Connect(held.Descriptor, held.EndPoint.Serialize());
        }
    }).Within();

    private int Connect(int descriptor, SocketAddress address)
    {
        var any = address.Family == AddressFamily.InterNetworkV6 ? Loopback.AnyPort6 : Loopback.AnyPort;
        var endPoint = (IPEndPoint)any.Create(address);
        _all.Enqueue(new ConnectCall(descriptor, endPoint, _kernel.Timestamp));
        if (Fail?.Invoke(endPoint) is { } failed)
            return failed;

        // To the poller such a socket is hung up, and it has no peer: the loop goes on waiting.
        return IsHeld?.Invoke(endPoint) == true ? -(int)Errno.EINPROGRESS : _kernel.Real.Connect(descriptor, address);
    }
}
