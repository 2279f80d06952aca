using System.Net;
using Microsoft.Extensions.Logging;

namespace Reactor;

/// <summary>Everything that the framework logs, with its event ids. What a peer can cause at will is Debug at most.</summary>
internal static partial class LoopLog
{
    [LoggerMessage(1, LogLevel.Error, "Unhandled exception in {Where}.")]
    internal static partial void UnhandledException(this ILogger logger, Exception exception, string where);

    [LoggerMessage(2, LogLevel.Critical, "Waiting for events failed: {Errno}.")]
    internal static partial void WaitFailed(this ILogger logger, string errno);

    [LoggerMessage(3, LogLevel.Warning, "The loop ends with {Registrations} sockets and {Handlers} handlers that did not end in time; they are aborted.")]
    internal static partial void ShutdownAborts(this ILogger logger, int registrations, int handlers);

    [LoggerMessage(4, LogLevel.Debug, "The loop has ended: {Drained} connections drained and {Aborted} aborted while it stopped, {Canceled} connects cancelled.")]
    internal static partial void LoopEnded(this ILogger logger, long drained, long aborted, long canceled);

    [LoggerMessage(10, LogLevel.Warning, "Listener {EndPoint}: {Errno}. Clients are accepted and closed until there is room again.")]
    internal static partial void AcceptExhausted(this ILogger logger, EndPoint endPoint, string errno);

    [LoggerMessage(11, LogLevel.Warning, "Listener {EndPoint}: there is room again; {Count} clients were refused so far.")]
    internal static partial void AcceptRecovered(this ILogger logger, EndPoint endPoint, long count);

    [LoggerMessage(12, LogLevel.Warning, "Listener {EndPoint}: an accepted connection could not be registered and was dropped: {Errno}.")]
    internal static partial void AcceptDropped(this ILogger logger, EndPoint endPoint, string errno);

    [LoggerMessage(13, LogLevel.Error, "Listener {EndPoint} has ended.")]
    internal static partial void ListenerEnded(this ILogger logger, Exception exception, EndPoint endPoint);

    [LoggerMessage(14, LogLevel.Debug, "Listener {EndPoint}: {RemoteEndPoint} was closed at once, since its address has {Count} connections already.")]
    internal static partial void AddressLimitReached(this ILogger logger, EndPoint endPoint, EndPoint? remoteEndPoint, int count);

    [LoggerMessage(15, LogLevel.Debug, "Listener {EndPoint}: {Count} connections are served, which is its limit; further clients will wait.")]
    internal static partial void ConnectionLimitReached(this ILogger logger, EndPoint endPoint, int count);

    [LoggerMessage(16, LogLevel.Warning, "Listener {EndPoint}: on this system one of the {Count} loops that share the port gets all of its connections.")]
    internal static partial void PortNotBalanced(this ILogger logger, EndPoint endPoint, int count);

    [LoggerMessage(20, LogLevel.Error, "Connection {Id} with {RemoteEndPoint}: its handler failed.")]
    internal static partial void HandlerFailed(this ILogger logger, Exception exception, long id, EndPoint? remoteEndPoint);

    [LoggerMessage(21, LogLevel.Debug, "Connection {Id} with {RemoteEndPoint}: its handler ended with it: {Reason}")]
    internal static partial void HandlerLostConnection(this ILogger logger, long id, EndPoint? remoteEndPoint, string reason);

    [LoggerMessage(22, LogLevel.Debug, "Connection {Id} with {RemoteEndPoint} broke: {Syscall}, {Errno}.")]
    internal static partial void ConnectionBroken(this ILogger logger, long id, EndPoint? remoteEndPoint, string syscall, string errno);

    [LoggerMessage(23, LogLevel.Debug, "Connection {Id} with {RemoteEndPoint} was aborted: {Reason}.")]
    internal static partial void ConnectionLimited(this ILogger logger, long id, EndPoint? remoteEndPoint, CloseReason reason);
}
