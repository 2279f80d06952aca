using System.Net;
using System.Net.Sockets;

namespace Reactor.Tests.Fixtures;

/// <summary>Addresses on this machine.</summary>
internal static class Loopback
{
    public static IPEndPoint AnyPort => new(IPAddress.Loopback, 0);

    public static IPEndPoint AnyPort6 => new(IPAddress.IPv6Loopback, 0);

    private static readonly Lazy<bool> HasIPv6 = new(static () =>
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(AnyPort6);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    });

    /// <summary>Ends the test as skipped on a machine, as a rule a container, that has no IPv6.</summary>
    public static void NeedIPv6OrSkip()
    {
        if (!HasIPv6.Value)
            Assert.Ignore("This machine has no ::1.");
    }

    /// <summary>
    /// An endpoint that refuses for as long as the reservation lives: its port is bound, so that no one else gets it, and nobody listens.
    /// </summary>
    public static PortReservation Refusing(AddressFamily family = AddressFamily.InterNetwork) =>
        new(family == AddressFamily.InterNetworkV6 ? AnyPort6 : AnyPort);

    /// <summary>
    /// A listener whose accept queue is full: further SYNs are dropped, so that a connect to it hangs without any network.
    /// </summary>
    public static Blackhole Hanging() => new();
}

internal sealed class PortReservation : IDisposable
{
    private readonly Socket _bound;

    public PortReservation(IPEndPoint endPoint)
    {
        _bound = RawPeer.NewSocket(endPoint);
        _bound.Bind(endPoint);
    }

    public IPEndPoint EndPoint => (IPEndPoint)_bound.LocalEndPoint!;

    public void Dispose() => _bound.Dispose();
}

internal sealed class Blackhole : IDisposable
{
    private readonly RawListener _listener;
    private readonly List<Socket> _filling = [];
    private readonly List<Socket> _accepted = [];
    private Task? _accepting;
    private volatile bool _disposed;

    public Blackhole()
    {
        _listener = RawListener.Start(backlog: 0);

        // A queue of length 0 holds one connection; what comes after it stays in SYN_SENT.
        while (true)
        {
            var dialling = RawPeer.NewSocket(EndPoint);
            dialling.Blocking = false;
            _filling.Add(dialling);
            try
            {
                dialling.Connect(EndPoint);
            }
            catch (SocketException pending) when (pending.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
            {
                if (!dialling.Poll(TimeSpan.FromMilliseconds(200), SelectMode.SelectWrite))
                    return;
            }
        }
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndPoint;

    /// <summary>Takes what fills the queue and accepts from then on, so that a retransmitted SYN gets through.</summary>
    public void Open()
    {
        Close(_filling);
        _accepting ??= Task.Factory.StartNew(
            () =>
            {
                while (!_disposed)
                {
                    if (_listener.WaitsWithin(TimeSpan.FromMilliseconds(20)))
                        _accepted.Add(_listener.Accept().Socket);
                }
            },
            TaskCreationOptions.LongRunning);
    }

    public void Dispose()
    {
        _disposed = true;
        _accepting?.GetAwaiter().GetResult();
        Close(_filling);
        Close(_accepted);
        _listener.Dispose();
    }

    private static void Close(List<Socket> sockets)
    {
        foreach (var socket in sockets)
            socket.Dispose();
    }
}
