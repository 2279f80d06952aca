using System.Net;

namespace Reactor;

/// <summary>A connection ended under the hands of who reads or writes it.</summary>
public class ConnectionException : IOException
{
    /// <summary>The system's answer to a call for the connection.</summary>
    /// <param name="syscall">The call, as its man page names it.</param>
    /// <param name="errno">What it answered.</param>
    /// <param name="remoteEndPoint">The peer, if it has an address.</param>
    public ConnectionException(string syscall, Errno errno, EndPoint? remoteEndPoint)
        : base(ErrnoText.Describe(syscall, remoteEndPoint, errno))
    {
        Syscall = syscall;
        Errno = errno;
        RemoteEndPoint = remoteEndPoint;
    }

    /// <summary>An end that no call of the system told of.</summary>
    protected ConnectionException(string message, EndPoint? remoteEndPoint)
        : base(message) => RemoteEndPoint = remoteEndPoint;

    /// <summary>The call that told of it, as its man page names it; null when it was our own doing.</summary>
    public string? Syscall { get; }

    /// <summary>What the call answered; <see cref="Errno.None"/> when it was our own doing.</summary>
    public Errno Errno { get; }

    /// <summary>The peer, if it has an address.</summary>
    public EndPoint? RemoteEndPoint { get; }
}

/// <summary>The peer reset the connection: <c>ECONNRESET</c> when reading, <c>EPIPE</c> or <c>ECONNRESET</c> when writing.</summary>
public sealed class ConnectionResetException : ConnectionException
{
    internal ConnectionResetException(string syscall, Errno errno, EndPoint? remoteEndPoint)
        : base(syscall, errno, remoteEndPoint)
    {
    }
}

/// <summary>The connection has ended in order or by our own doing, and a read or a write was pending then or came after.</summary>
public sealed class ConnectionAbortedException : ConnectionException
{
    internal ConnectionAbortedException(CloseReason reason, EndPoint? remoteEndPoint)
        : base($"The connection with {remoteEndPoint?.ToString() ?? "its peer"} was ended on this side: {reason}.", remoteEndPoint) =>
        Reason = reason;

    /// <summary>Why.</summary>
    public CloseReason Reason { get; }
}
