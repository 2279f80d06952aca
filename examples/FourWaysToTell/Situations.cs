using System.Net;
using System.Net.Sockets;

namespace Reactor.Examples;

/// <summary>Makes sockets whose connects stand at a certain point, on loopback.</summary>
internal sealed class Situations : IDisposable
{
    private readonly Socket _listener = Listen(backlog: 16);
    private readonly Socket _deaf = Listen(backlog: 1);
    private readonly IPEndPoint _closed;
    private readonly List<IDisposable> _held = [];
    private IPEndPoint _last;

    public Situations()
    {
        using (var gone = Listen(backlog: 1)) _closed = AddressOf(gone);
        _last = AddressOf(_listener);
        FillBacklog();
    }

    /// <summary>The address that was dialled last.</summary>
    public SocketAddress Address() => _last.Serialize();

    /// <summary>The listener's backlog is full, so the kernel drops the SYN and it is sent again and again.</summary>
    public Dial UnderWay() => To(AddressOf(_deaf)).Await(Readiness.None);

    public Dial Connected()
    {
        var dial = To(AddressOf(_listener));
        _held.Add(_listener.Accept());
        return dial.Await(Readiness.Writable);
    }

    public Dial ConnectedWithByte()
    {
        var dial = To(AddressOf(_listener));
        var peer = _listener.Accept();
        _held.Add(peer);
        peer.Send("!"u8);
        return dial.Await(Readiness.Writable | Readiness.Readable);
    }

    public Dial ConnectedWithByteAndEnd()
    {
        var dial = To(AddressOf(_listener));
        using (var peer = _listener.Accept()) peer.Send("!"u8);
        return dial.Await(Readiness.Writable | Readiness.ReadClosed);
    }

    public Dial Refused() => To(_closed).Await(Readiness.HangUp);

    public Dial Reset()
    {
        var dial = To(AddressOf(_listener));

        // A close that lingers for no time at all sends a RST.
        using (var peer = _listener.Accept()) peer.LingerState = new LingerOption(enable: true, seconds: 0);
        return dial.Await(Readiness.HangUp);
    }

    public void Dispose()
    {
        foreach (var held in _held) held.Dispose();
        _listener.Dispose();
        _deaf.Dispose();
    }

    private static IPEndPoint AddressOf(Socket listener) => (IPEndPoint)listener.LocalEndPoint!;

    private static Socket Listen(int backlog)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(backlog);
        return listener;
    }

    private Dial To(IPEndPoint address)
    {
        _last = address;
        return new Dial(address);
    }

    // Linux lets one connection more wait than the backlog says.
    private void FillBacklog()
    {
        for (var i = 0; i < 2; i++) _held.Add(To(AddressOf(_deaf)).Await(Readiness.Writable));
    }
}
