using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Reactor.Tests.Fixtures;

/// <summary>
/// The other side of a connection, on a plain blocking socket: it does what the test says and nothing by itself.
/// It stalls by not being asked to read; every wait ends with an exception at the limit.
/// </summary>
internal sealed class RawPeer : IDisposable
{
    private readonly Socket _socket;

    public RawPeer(Socket socket)
    {
        _socket = socket;
        _socket.Blocking = true;
        _socket.SendTimeout = _socket.ReceiveTimeout = (int)Until.Limit.TotalMilliseconds;
    }

    public Socket Socket => _socket;

    public EndPoint LocalEndPoint => _socket.LocalEndPoint!;

    /// <summary>Bytes that have arrived and were not read; they stay in the kernel while the peer stalls.</summary>
    public int Available => _socket.Available;

    public static RawPeer Dial(EndPoint endPoint, int? receiveBuffer = null, int? sendBuffer = null)
    {
        var socket = NewSocket(endPoint);
        try
        {
            // Buffers are set before connect, or the window that the handshake announces is already larger.
            if (receiveBuffer is { } receive)
                socket.ReceiveBufferSize = receive;
            if (sendBuffer is { } send)
                socket.SendBufferSize = send;
            if (socket.ProtocolType == ProtocolType.Tcp)
                socket.NoDelay = true;
            socket.Connect(endPoint);
            return new RawPeer(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public static Socket NewSocket(EndPoint endPoint)
    {
        if (endPoint.AddressFamily == AddressFamily.InterNetworkV6 && !NetworkNamespaces.IsInside)
            Loopback.NeedIPv6OrSkip();
        return new Socket(endPoint.AddressFamily, SocketType.Stream, endPoint.AddressFamily == AddressFamily.Unix ? ProtocolType.Unspecified : ProtocolType.Tcp);
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[_socket.Send(bytes)..];
    }

    public void Send(string text) => Send(Encoding.Latin1.GetBytes(text));

    public int Read(Span<byte> buffer) => _socket.Receive(buffer);

    public byte[] ReadExactly(int count)
    {
        var bytes = new byte[count];
        ReadExactly(bytes);
        return bytes;
    }

    public void ReadExactly(Span<byte> bytes)
    {
        for (var have = 0; have < bytes.Length;)
        {
            var read = _socket.Receive(bytes[have..]);
            if (read == 0)
                throw new EndOfStreamException($"The connection ended after {have} of {bytes.Length} bytes.");
            have += read;
        }
    }

    public string ReadText(int count) => Encoding.Latin1.GetString(ReadExactly(count));

    public byte[] ReadToEnd()
    {
        using var all = new MemoryStream();
        var buffer = new byte[65536];
        for (int read; (read = _socket.Receive(buffer)) > 0;)
            all.Write(buffer, 0, read);
        return all.ToArray();
    }

    /// <summary>Waits for the end of the connection: true when it was a FIN, false when it was a reset.</summary>
    public bool EndsInOrder()
    {
        try
        {
            ReadToEnd();
            return true;
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
        {
            return false;
        }
    }

    public void HalfClose() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Sends RST and nothing else: linger of zero seconds, then close.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        _socket.Close();
    }

    public void Dispose() => _socket.Dispose();
}

/// <summary>A plain blocking listener, whose connections are accepted when the test says so.</summary>
internal sealed class RawListener : IDisposable
{
    private readonly Socket _socket;

    private RawListener(Socket socket) => _socket = socket;

    public Socket Socket => _socket;

    public EndPoint LocalEndPoint => _socket.LocalEndPoint!;

    public int Port => ((IPEndPoint)LocalEndPoint).Port;

    public static RawListener Start(EndPoint? endPoint = null, int backlog = 128, int? receiveBuffer = null)
    {
        endPoint ??= Loopback.AnyPort;
        var socket = RawPeer.NewSocket(endPoint);
        try
        {
            // Accepted sockets inherit it; smaller windows make senders meet EAGAIN sooner.
            if (receiveBuffer is { } bytes)
                socket.ReceiveBufferSize = bytes;
            socket.Bind(endPoint);
            socket.Listen(backlog);
            return new RawListener(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public RawPeer Accept()
    {
        if (!_socket.Poll(Until.Limit, SelectMode.SelectRead))
            throw new TimeoutException("Nobody dialled.");
        return new RawPeer(_socket.Accept());
    }

    public bool WaitsWithin(TimeSpan time) => _socket.Poll(time, SelectMode.SelectRead);

    public void Dispose() => _socket.Dispose();
}
