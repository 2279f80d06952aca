using System.Net;
using System.Text;
using static Reactor.LinuxAbi;
using static Reactor.UnixAbi;

namespace Reactor;

/// <summary>The kernel of Linux, glibc or musl, x64 or arm64.</summary>
/// <remarks>Not sealed, for tests put another poller on it.</remarks>
internal unsafe class LinuxKernel : UnixKernel
{
    public override string PollerSyscall => "epoll_create1";

    public override int Adopt(int descriptor)
    {
        var answer = GetOption(descriptor, SOL_SOCKET, SO_ACCEPTCONN, out var listens);
        if (answer < 0) return answer;
        if (listens == 0) return -(int)Errno.EINVAL;

        var flags = Answer(Libc.fcntl(descriptor, F_GETFL, 0));
        answer = flags < 0 ? flags : Answer(Libc.fcntl(descriptor, F_SETFL, flags | SOCK_NONBLOCK));
        return answer < 0 ? answer : Answer(Libc.fcntl(descriptor, F_SETFD, FD_CLOEXEC));
    }

    public override int Accept(int descriptor, SocketAddress peer)
    {
        fixed (byte* start = peer.Buffer.Span)
        {
            var size = (uint)peer.Buffer.Length;
            var accepted = Answer(Libc.accept4(descriptor, start, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (accepted >= 0) peer.Size = (int)size;
            return accepted;
        }
    }

    public override int IsAtMark(int descriptor)
    {
        int isAtMark;
        var answer = Answer(Libc.ioctl(descriptor, SIOCATMARK, &isAtMark));
        return answer < 0 ? answer : isAtMark;
    }

    public override int Send(int descriptor, ReadOnlySpan<byte> data) => Send(descriptor, data, MSG_NOSIGNAL);

    public override int SendUrgent(int descriptor, ReadOnlySpan<byte> data) => Send(descriptor, data, MSG_NOSIGNAL | MSG_OOB);

    public override int Send(int descriptor, ReadOnlySpan<IoVector> vectors)
    {
        fixed (IoVector* first = vectors)
        {
            var message = new Libc.MsgHdr { msg_iov = first, msg_iovlen = (nuint)vectors.Length };
            return Answer(Libc.sendmsg(descriptor, &message, MSG_NOSIGNAL));
        }
    }

    public override int SetOption(int descriptor, SocketOption name, int value)
    {
        if (name == SocketOption.Linger)
        {
            var linger = stackalloc int[] { 1, value };
            return Answer(Libc.setsockopt(descriptor, SOL_SOCKET, SO_LINGER, linger, 2 * sizeof(int)));
        }

        var (level, number) = name switch
        {
            SocketOption.ReuseAddress => (SOL_SOCKET, SO_REUSEADDR),
            SocketOption.ReusePort => (SOL_SOCKET, SO_REUSEPORT),
            SocketOption.NoDelay => (IPPROTO_TCP, TCP_NODELAY),
            SocketOption.IPv6Only => (IPPROTO_IPV6, IPV6_V6ONLY),
            SocketOption.BindAddressNoPort => (IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
            SocketOption.KeepAlive => (SOL_SOCKET, SO_KEEPALIVE),
            SocketOption.KeepAliveIdle => (IPPROTO_TCP, TCP_KEEPIDLE),
            SocketOption.KeepAliveInterval => (IPPROTO_TCP, TCP_KEEPINTVL),
            SocketOption.KeepAliveCount => (IPPROTO_TCP, TCP_KEEPCNT),
            SocketOption.UserTimeout => (IPPROTO_TCP, TCP_USER_TIMEOUT),
            SocketOption.SendBuffer => (SOL_SOCKET, SO_SNDBUF),
            SocketOption.ReceiveBuffer => (SOL_SOCKET, SO_RCVBUF),
            SocketOption.TypeOfService => (IPPROTO_IP, IP_TOS),
            SocketOption.TrafficClass => (IPPROTO_IPV6, IPV6_TCLASS),
            SocketOption.DontRoute => (SOL_SOCKET, SO_DONTROUTE),
            SocketOption.OutOfBandInline => (SOL_SOCKET, SO_OOBINLINE),
            SocketOption.FastOpen => (IPPROTO_TCP, TCP_FASTOPEN),
            SocketOption.FastOpenConnect => (IPPROTO_TCP, TCP_FASTOPEN_CONNECT),
            SocketOption.DeferAccept => (IPPROTO_TCP, TCP_DEFER_ACCEPT),
            _ => (-1, -1),
        };
        return level < 0 ? -(int)Errno.ENOPROTOOPT : SetOption(descriptor, level, number, value);
    }

    public override int BindToDevice(int descriptor, string device)
    {
        fixed (byte* start = Terminated(device))
        {
            return Answer(Libc.setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, start, (uint)Encoding.UTF8.GetByteCount(device)));
        }
    }

    public override int PeerCredentials(int descriptor, out PeerCredentials credentials)
    {
        // struct ucred: pid, uid, gid.
        var ucred = stackalloc int[3];
        var size = 3u * sizeof(int);
        var answer = Answer(Libc.getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, ucred, &size));
        credentials = answer < 0 ? default : new PeerCredentials(ucred[0], ucred[1], ucred[2]);
        return answer;
    }

    public override int SocketError(int descriptor)
    {
        var answer = GetOption(descriptor, SOL_SOCKET, SO_ERROR, out var error);
        return answer < 0 ? answer : -error;
    }

    public override int CreatePoller(out Poller? poller) => EpollPoller.Create(out poller);

    protected override int InterNetworkV6 => AF_INET6;

    protected override int Open(int domain, int type) => Answer(Libc.socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));

    protected override int FileType(byte* path)
    {
        var status = stackalloc byte[StatxSize];
        var answer = Answer(Libc.statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, status));
        return answer < 0 ? answer : *(ushort*)(status + StatxModeOffset) & S_IFMT;
    }

    // Ours are Linux's.
    protected override Errno ToErrno(int native) => (Errno)native;
}
