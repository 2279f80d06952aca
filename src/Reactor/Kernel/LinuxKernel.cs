using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using static Reactor.LinuxAbi;

namespace Reactor;

/// <summary>The kernel of Linux, glibc or musl, x64 or arm64.</summary>
internal sealed unsafe class LinuxKernel : Kernel
{
#pragma warning disable RS0030 // This is the kernel's clock: on Unix a Stopwatch tick is a nanosecond of CLOCK_MONOTONIC.
    public override long Timestamp => Stopwatch.GetTimestamp();
#pragma warning restore RS0030

    public override int Socket(AddressFamily family)
    {
        var domain = family switch
        {
            AddressFamily.InterNetwork => AF_INET,
            AddressFamily.InterNetworkV6 => AF_INET6,
            AddressFamily.Unix => AF_UNIX,
            _ => -1,
        };
        return domain < 0 ? -(int)Errno.EAFNOSUPPORT : Answer(Libc.socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    }

    public override int Bind(int descriptor, SocketAddress address)
    {
        fixed (byte* start = address.Buffer.Span)
        {
            return Answer(Libc.bind(descriptor, start, (uint)address.Size));
        }
    }

    public override int Listen(int descriptor, int backlog) => Answer(Libc.listen(descriptor, backlog));

    public override int Adopt(int descriptor)
    {
        int listens;
        var size = (uint)sizeof(int);
        var answer = Answer(Libc.getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size));
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
            var accepted = Libc.accept4(descriptor, start, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (accepted < 0) return -Marshal.GetLastSystemError();
            peer.Size = (int)size;
            return accepted;
        }
    }

    public override int Connect(int descriptor, SocketAddress address)
    {
        fixed (byte* start = address.Buffer.Span)
        {
            return Answer(Libc.connect(descriptor, start, (uint)address.Size));
        }
    }

    public override int Receive(int descriptor, Span<byte> buffer) => Receive(descriptor, buffer, 0);

    public override int Peek(int descriptor, Span<byte> buffer) => Receive(descriptor, buffer, MSG_PEEK);

    public override int ReceiveUrgent(int descriptor, Span<byte> buffer) => Receive(descriptor, buffer, MSG_OOB);

    public override int IsAtMark(int descriptor)
    {
        int isAtMark;
        var answer = Libc.ioctl(descriptor, SIOCATMARK, &isAtMark);
        return answer < 0 ? -Marshal.GetLastSystemError() : isAtMark;
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

    // SocketShutdown has the values of SHUT_RD, SHUT_WR and SHUT_RDWR.
    public override int Shutdown(int descriptor, SocketShutdown how) => Answer(Libc.shutdown(descriptor, (int)how));

    public override int Close(int descriptor) => Answer(Libc.close(descriptor));

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
        return level < 0 ? -(int)Errno.ENOPROTOOPT : Answer(Libc.setsockopt(descriptor, level, number, &value, sizeof(int)));
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
        int error;
        var size = (uint)sizeof(int);
        var answer = Libc.getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
        return answer < 0 ? -Marshal.GetLastSystemError() : -error;
    }

    public override int LocalAddress(int descriptor, SocketAddress address)
    {
        fixed (byte* start = address.Buffer.Span)
        {
            var size = (uint)address.Buffer.Length;
            return Sized(address, Libc.getsockname(descriptor, start, &size), size);
        }
    }

    public override int PeerAddress(int descriptor, SocketAddress address)
    {
        fixed (byte* start = address.Buffer.Span)
        {
            var size = (uint)address.Buffer.Length;
            return Sized(address, Libc.getpeername(descriptor, start, &size), size);
        }
    }

    public override int Unlink(string path)
    {
        fixed (byte* start = Terminated(path))
        {
            return Answer(Libc.unlink(start));
        }
    }

    // UnixFileMode has the bits of mode_t.
    public override int SetMode(string path, UnixFileMode mode)
    {
        fixed (byte* start = Terminated(path))
        {
            return Answer(Libc.chmod(start, (uint)mode));
        }
    }

    public override int SetOwner(string path, int userId, int groupId)
    {
        fixed (byte* start = Terminated(path))
        {
            return Answer(Libc.chown(start, (uint)userId, (uint)groupId));
        }
    }

    public override int IsSocket(string path)
    {
        var status = stackalloc byte[StatxSize];
        fixed (byte* start = Terminated(path))
        {
            var answer = Libc.statx(AT_FDCWD, start, AT_SYMLINK_NOFOLLOW, STATX_TYPE, status);
            if (answer < 0) return -Marshal.GetLastSystemError();
        }

        return (*(ushort*)(status + StatxModeOffset) & S_IFMT) == S_IFSOCK ? 1 : 0;
    }

    public override int CreatePoller(out Poller? poller) => EpollPoller.Create(out poller);

    private static int Receive(int descriptor, Span<byte> buffer, int flags)
    {
        fixed (byte* start = buffer)
        {
            return Answer(Libc.recv(descriptor, start, (nuint)buffer.Length, flags));
        }
    }

    private static int Send(int descriptor, ReadOnlySpan<byte> data, int flags)
    {
        fixed (byte* start = data)
        {
            return Answer(Libc.send(descriptor, start, (nuint)data.Length, flags));
        }
    }

    private static int Answer(nint answer) => answer >= 0 ? (int)answer : -Marshal.GetLastSystemError();

    private static int Sized(SocketAddress address, int answer, uint size)
    {
        if (answer < 0) return -Marshal.GetLastSystemError();
        address.Size = (int)size;
        return answer;
    }

    private static byte[] Terminated(string path) => Encoding.UTF8.GetBytes(path + '\0');
}
