using System.Net.Sockets;

namespace Reactor;

/// <summary>Sets options on a new socket, one after the other until one is refused, and keeps which that was.</summary>
/// <param name="kernel">The kernel.</param>
/// <param name="descriptor">The socket.</param>
internal struct SocketSetup(Kernel kernel, int descriptor)
{
    /// <summary>The refused call with its option, <c>setsockopt(SO_SNDBUF)</c>; empty while none was.</summary>
    internal string Syscall { get; private set; } = "";

    /// <summary>Negative exactly when an option was refused.</summary>
    internal int Answer { get; private set; }

    internal void Set(SocketOption option, int value)
    {
        if (Answer < 0) return;
        Answer = kernel.SetOption(descriptor, option, value);
        if (Answer < 0) Syscall = $"setsockopt({option.NativeName})";
    }

    /// <summary>Sets what is asked for, and nothing that is the system's default: each costs a call a connect.</summary>
    internal void Set(ConnectionOptions options, AddressFamily family)
    {
        if (options.SendBufferSize is { } send) Set(SocketOption.SendBuffer, send);
        if (options.ReceiveBufferSize is { } receive) Set(SocketOption.ReceiveBuffer, receive);
        if (family == AddressFamily.Unix) return;

        if (options.NoDelay) Set(SocketOption.NoDelay, 1);
        if (options.KeepAlive is { } keepAlive) Set(keepAlive);
        SetTimes(options);
        if (options.Linger == TimeSpan.Zero) Set(SocketOption.Linger, 0);
        if (options.TypeOfService is { } service)
        {
            // An IPv6 socket may send IPv4, to a mapped address.
            Set(SocketOption.TypeOfService, service);
            if (family == AddressFamily.InterNetworkV6) Set(SocketOption.TrafficClass, service);
        }

        if (options.DontRoute) Set(SocketOption.DontRoute, 1);
        if (options.OutOfBandInline) Set(SocketOption.OutOfBandInline, 1);
        if (options.Device is { } device) BindTo(device);
    }

    /// <summary>Sets the times that a listening socket does not hand on everywhere (<see cref="KernelTraits.UninheritedTimes"/>).</summary>
    internal void SetTimes(ConnectionOptions options)
    {
        if (options.KeepAlive?.Idle is { } idle) Set(SocketOption.KeepAliveIdle, RoundUp(idle.TotalSeconds));
        if (options.UserTimeout is { } timeout) Set(SocketOption.UserTimeout, RoundUp(timeout.TotalMilliseconds));
    }

    /// <summary>The whole units of a time, as the system counts them.</summary>
    internal static int RoundUp(double units) => (int)Math.Min(Math.Ceiling(units), int.MaxValue);

    private void Set(KeepAliveOptions keepAlive)
    {
        Set(SocketOption.KeepAlive, 1);
        if (keepAlive.Interval is { } interval) Set(SocketOption.KeepAliveInterval, RoundUp(interval.TotalSeconds));
        if (keepAlive.Count is { } count) Set(SocketOption.KeepAliveCount, count);
    }

    private void BindTo(string device)
    {
        if (Answer < 0) return;
        Answer = kernel.BindToDevice(descriptor, device);
        if (Answer < 0) Syscall = $"setsockopt(SO_BINDTODEVICE, {device})";
    }
}
