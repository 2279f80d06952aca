using System.Net.Sockets;

namespace Reactor;

/// <summary>A dial did not succeed; the message names the call, the errno, the address and the time that it took.</summary>
public sealed class ConnectException : KernelException
{
    internal ConnectException(ConnectResult result)
        : base(result.ToString(), CodeOf(result), result.Syscall, result.Errno, result.EndPoint) => Result = result;

    /// <summary>All that is known.</summary>
    public ConnectResult Result { get; }

    /// <summary>How it ended.</summary>
    public ConnectOutcome Outcome => Result.Outcome;

    /// <summary>How long it took.</summary>
    public TimeSpan Elapsed => Result.Elapsed;

    private static SocketError CodeOf(ConnectResult result) => result switch
    {
        { Errno: not Errno.None } => result.Errno.ToSocketError(),
        { ResolveException: SocketException exception } => exception.SocketErrorCode,
        { Outcome: ConnectOutcome.ResolveFailed } => SocketError.HostNotFound,
        { Outcome: ConnectOutcome.TimedOut } => SocketError.TimedOut,
        { Outcome: ConnectOutcome.Canceled } => SocketError.OperationAborted,
        _ => SocketError.SocketError,
    };
}
