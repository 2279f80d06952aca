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

    public override int Send(int descriptor, ReadOnlySpan<byte> data)
    {
        fixed (byte* start = data)
        {
            return Answer(Libc.send(descriptor, start, (nuint)data.Length, MSG_NOSIGNAL));
        }
    }

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
            _ => (-1, -1),
        };
        return level < 0 ? -(int)Errno.ENOPROTOOPT : Answer(Libc.setsockopt(descriptor, level, number, &value, sizeof(int)));
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

    private static int Answer(nint answer) => answer >= 0 ? (int)answer : -Marshal.GetLastSystemError();

    private static int Sized(SocketAddress address, int answer, uint size)
    {
        if (answer < 0) return -Marshal.GetLastSystemError();
        address.Size = (int)size;
        return answer;
    }

    private static byte[] Terminated(string path) => Encoding.UTF8.GetBytes(path + '\0');
}
