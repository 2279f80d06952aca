using System.Net;
using System.Net.Sockets;
using static Reactor.DarwinAbi;
using static Reactor.UnixAbi;

namespace Reactor;

/// <summary>
/// The kernel of macOS, x64 or arm64. It has no accept4(2), no flags for socket(2) and no MSG_NOSIGNAL that is old enough,
/// so a socket is made non-blocking, close-on-exec and free of SIGPIPE by calls of its own.
/// </summary>
internal sealed unsafe class DarwinKernel : UnixKernel
{
    public override string PollerSyscall => "kqueue";

    public override KernelTraits Traits => KernelTraits.UnbalancedPorts | KernelTraits.DropsUnaccepted | KernelTraits.UninheritedTimes;

    public override int Adopt(int descriptor)
    {
        var answer = GetOption(descriptor, SOL_SOCKET, SO_ACCEPTCONN, out var listens);
        if (answer < 0) return answer;
        return listens == 0 ? -(int)Errno.EINVAL : Prepare(descriptor);
    }

    // It has inherited from the listener what Prepare sets, but FD_CLOEXEC. A client of IPv6 that has reset its connection leaves
    // a socket without an address; Linux would not hand it out.
    public override int Accept(int descriptor, SocketAddress peer)
    {
        fixed (byte* start = peer.Buffer.Span)
        {
            var size = (uint)peer.Buffer.Length;
            var accepted = Answer(LibSystem.accept(descriptor, start, &size));
            if (accepted < 0) return accepted;
            peer.Size = SizeOf(peer, size);
            return ClosedUnless(size == 0 ? -(int)Errno.ECONNABORTED : Answer(LibSystem.fcntl(accepted, F_SETFD, FD_CLOEXEC)), accepted);
        }
    }

    public override int IsAtMark(int descriptor)
    {
        int isAtMark;
        var answer = Answer(LibSystem.ioctl(descriptor, SIOCATMARK, &isAtMark));
        return answer < 0 ? answer : isAtMark;
    }

    public override int Send(int descriptor, ReadOnlySpan<byte> data) => Send(descriptor, data, 0);

    public override int SendUrgent(int descriptor, ReadOnlySpan<byte> data) => Send(descriptor, data, MSG_OOB);

    public override int Send(int descriptor, ReadOnlySpan<IoVector> vectors)
    {
        fixed (IoVector* first = vectors)
        {
            return Answer(LibSystem.writev(descriptor, first, vectors.Length));
        }
    }

    public override int SetOption(int descriptor, SocketOption name, int value)
    {
        if (name == SocketOption.Linger)
        {
            var linger = stackalloc int[] { 1, value };
            return Answer(Libc.setsockopt(descriptor, SOL_SOCKET, SO_LINGER_SEC, linger, 2 * sizeof(int)));
        }

        // Whole seconds, here alone.
        if (name == SocketOption.UserTimeout) value = (int)Math.Min(int.MaxValue, (value + 999L) / 1000);

        // A switch here, where Linux has the length of a queue.
        if (name == SocketOption.FastOpen) value = Math.Min(value, 1);

        var (level, number) = name switch
        {
            SocketOption.ReuseAddress => (SOL_SOCKET, SO_REUSEADDR),
            SocketOption.ReusePort => (SOL_SOCKET, SO_REUSEPORT),
            SocketOption.NoDelay => (IPPROTO_TCP, TCP_NODELAY),
            SocketOption.IPv6Only => (IPPROTO_IPV6, IPV6_V6ONLY),
            SocketOption.KeepAlive => (SOL_SOCKET, SO_KEEPALIVE),
            SocketOption.KeepAliveIdle => (IPPROTO_TCP, TCP_KEEPALIVE),
            SocketOption.KeepAliveInterval => (IPPROTO_TCP, TCP_KEEPINTVL),
            SocketOption.KeepAliveCount => (IPPROTO_TCP, TCP_KEEPCNT),
            SocketOption.UserTimeout => (IPPROTO_TCP, TCP_RXT_CONNDROPTIME),
            SocketOption.SendBuffer => (SOL_SOCKET, SO_SNDBUF),
            SocketOption.ReceiveBuffer => (SOL_SOCKET, SO_RCVBUF),
            SocketOption.TypeOfService => (IPPROTO_IP, IP_TOS),
            SocketOption.TrafficClass => (IPPROTO_IPV6, IPV6_TCLASS),
            SocketOption.DontRoute => (SOL_SOCKET, SO_DONTROUTE),
            SocketOption.OutOfBandInline => (SOL_SOCKET, SO_OOBINLINE),
            SocketOption.FastOpen => (IPPROTO_TCP, TCP_FASTOPEN),
            _ => (-1, -1),
        };
        if (level < 0) return -(int)Errno.ENOPROTOOPT;
        var answer = SetOption(descriptor, level, number, value);

        // An IPv6 socket has no options of IPv4 here; TrafficClass says the same of what it sends as IPv6.
        return name == SocketOption.TypeOfService && answer == -(int)Errno.EINVAL ? 0 : answer;
    }

    // The option takes the interface's number, and each family has its own.
    public override int BindToDevice(int descriptor, string device)
    {
        uint index;
        fixed (byte* start = Terminated(device))
        {
            index = LibSystem.if_nametoindex(start);
        }

        if (index == 0) return -(int)Errno.ENODEV;
        var answer = SetOption(descriptor, IPPROTO_IP, IP_BOUND_IF, (int)index);
        return answer < 0 ? SetOption(descriptor, IPPROTO_IPV6, IPV6_BOUND_IF, (int)index) : answer;
    }

    // The process is known as long as the peer has its end open; 0 says that it has not.
    public override int PeerCredentials(int descriptor, out PeerCredentials credentials)
    {
        credentials = default;
        uint user = 0, group = 0;
        var answer = Answer(LibSystem.getpeereid(descriptor, &user, &group));
        if (answer < 0) return answer;

        answer = GetOption(descriptor, SOL_LOCAL, LOCAL_PEERPID, out var process);
        if (answer is < 0 and not -(int)Errno.ENOTCONN) return answer;
        credentials = new PeerCredentials(answer < 0 ? 0 : process, (int)user, (int)group);
        return 0;
    }

    public override int SocketError(int descriptor)
    {
        var answer = GetOption(descriptor, SOL_SOCKET, SO_ERROR, out var error);
        return answer < 0 ? answer : -(int)ToErrno(error);
    }

    public override int CreatePoller(out Poller? poller) => KqueuePoller.Create(new SystemKqueue(), out poller);

    protected override int InterNetworkV6 => AF_INET6;

    protected override int Open(int domain, int type)
    {
        var descriptor = Answer(Libc.socket(domain, type, 0));
        return descriptor < 0 ? descriptor : ClosedUnless(Prepare(descriptor), descriptor);
    }

    protected override int FileType(byte* path)
    {
        var status = stackalloc byte[StatSize];
        var answer = Answer(LibSystem.lstat(path, status));
        return answer < 0 ? answer : *(ushort*)(status + StatModeOffset) & S_IFMT;
    }

    // The size is the whole one even of an address that was cut off, and an unnamed Unix-domain socket has an empty name
    // where on Linux it has none.
    protected override int SizeOf(SocketAddress address, uint size)
    {
        var isUnnamed = size > sizeof(ushort) && address.Family == AddressFamily.Unix && address.Buffer.Span[sizeof(ushort)] == 0;
        return isUnnamed ? sizeof(ushort) : (int)Math.Min(size, (uint)address.Buffer.Length);
    }

    protected override Errno ToErrno(int native) => DarwinErrno.FromNative(native);

    private static int ClosedUnless(int answer, int descriptor)
    {
        if (answer >= 0) return descriptor;
        _ = Libc.close(descriptor);
        return answer;
    }

    private int Prepare(int descriptor)
    {
        var answer = SetOption(descriptor, SOL_SOCKET, SO_NOSIGPIPE, 1);

        // Otherwise SO_LINGER is refused once both sides were shut down, and what was to be a reset is none.
        var extensions = stackalloc int[] { SONPX_SETOPTSHUT, SONPX_SETOPTSHUT };
        if (answer >= 0) answer = Answer(Libc.setsockopt(descriptor, SOL_SOCKET, SO_NP_EXTENSIONS, extensions, 2 * sizeof(int)));
        var flags = answer < 0 ? answer : Answer(LibSystem.fcntl(descriptor, F_GETFL, 0));
        answer = flags < 0 ? flags : Answer(LibSystem.fcntl(descriptor, F_SETFL, flags | O_NONBLOCK));
        return answer < 0 ? answer : Answer(LibSystem.fcntl(descriptor, F_SETFD, FD_CLOEXEC));
    }
}
