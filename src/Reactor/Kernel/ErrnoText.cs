using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Reactor;

/// <summary>An errno in words.</summary>
public static class ErrnoText
{
    extension(Errno errno)
    {
        /// <summary>The name as in errno(3), <c>ECONNREFUSED</c>; <c>errno 999</c> for a number without one, the system's own.</summary>
        public string Name => Enum.GetName(errno) ?? string.Create(CultureInfo.InvariantCulture, $"errno {errno.Native}");

        /// <summary>The system's own text, as strerror(3) gives it: <c>Connection refused</c>.</summary>
        public string Text => errno == Errno.None ? "No error" : Marshal.GetPInvokeErrorMessage(errno.Native);

        /// <summary>The running system's number.</summary>
        private int Native => OperatingSystem.IsMacOS() ? DarwinErrno.ToNative(errno) : (int)errno;

        /// <summary>What .NET calls it.</summary>
        internal SocketError ToSocketError() => errno switch
        {
            Errno.None => SocketError.Success,
            Errno.EACCES or Errno.EPERM => SocketError.AccessDenied,
            Errno.EADDRINUSE => SocketError.AddressAlreadyInUse,
            Errno.EADDRNOTAVAIL => SocketError.AddressNotAvailable,
            Errno.EAFNOSUPPORT => SocketError.AddressFamilyNotSupported,
            Errno.EAGAIN => SocketError.WouldBlock,
            Errno.EALREADY => SocketError.AlreadyInProgress,
            Errno.ECONNABORTED => SocketError.ConnectionAborted,
            Errno.ECONNREFUSED => SocketError.ConnectionRefused,
            Errno.ECONNRESET => SocketError.ConnectionReset,
            Errno.EHOSTDOWN => SocketError.HostDown,
            Errno.EHOSTUNREACH => SocketError.HostUnreachable,
            Errno.EINPROGRESS => SocketError.InProgress,
            Errno.EINTR => SocketError.Interrupted,
            Errno.EINVAL => SocketError.InvalidArgument,
            Errno.EISCONN => SocketError.IsConnected,
            Errno.EMFILE or Errno.ENFILE => SocketError.TooManyOpenSockets,
            Errno.ENETDOWN => SocketError.NetworkDown,
            Errno.ENETUNREACH => SocketError.NetworkUnreachable,
            Errno.ENOBUFS or Errno.ENOMEM => SocketError.NoBufferSpaceAvailable,
            Errno.ENOTCONN => SocketError.NotConnected,
            Errno.ENOTSOCK => SocketError.NotSocket,
            Errno.EPIPE => SocketError.Shutdown,
            Errno.ETIMEDOUT => SocketError.TimedOut,
            _ => SocketError.SocketError,
        };
    }

    /// <summary>An address as a user would type it.</summary>
    internal static string Describe(EndPoint endPoint) =>
        endPoint is DnsEndPoint name ? string.Create(CultureInfo.InvariantCulture, $"{name.Host}:{name.Port}") : endPoint.ToString()!;

    /// <summary>One sentence for a call that failed: <c>connect 127.0.0.1:1: ECONNREFUSED (Connection refused)</c>.</summary>
    internal static string Describe(string syscall, EndPoint? endPoint, Errno errno)
    {
        var where = endPoint is null ? "" : " " + Describe(endPoint);
        return $"{syscall}{where}: {errno.Name} ({errno.Text})";
    }
}
