using System.Net;
using System.Net.Sockets;

namespace Reactor;

/// <summary>The system refused a call; it names the call, the errno and the address.</summary>
public class KernelException : SocketException
{
    /// <summary>A call that failed.</summary>
    /// <param name="syscall">The call, as its man page names it.</param>
    /// <param name="errno">What it answered.</param>
    /// <param name="endPoint">The address it was about, if any.</param>
    public KernelException(string syscall, Errno errno, EndPoint? endPoint)
        : this(ErrnoText.Describe(syscall, endPoint, errno), errno.ToSocketError(), syscall, errno, endPoint)
    {
    }

    /// <summary>As the other, with a message of its own and .NET's code for what happened.</summary>
    protected KernelException(string message, SocketError code, string? syscall, Errno errno, EndPoint? endPoint)
        : base((int)code, message)
    {
        Syscall = syscall;
        Errno = errno;
        EndPoint = endPoint;
    }

    /// <summary>The call that failed, as its man page names it; null when none did.</summary>
    public string? Syscall { get; }

    /// <summary>What the call answered; <see cref="Errno.None"/> when no call failed.</summary>
    public Errno Errno { get; }

    /// <summary>The address that it was about, if any.</summary>
    public EndPoint? EndPoint { get; }
}
