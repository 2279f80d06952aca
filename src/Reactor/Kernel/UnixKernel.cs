using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using static Reactor.UnixAbi;

namespace Reactor;

/// <summary>What the kernels of Linux and macOS have in common: the calls that both know by the same name and arguments.</summary>
internal abstract unsafe class UnixKernel : Kernel
{
#pragma warning disable RS0030 // This is the kernel's clock: on Unix a Stopwatch tick is a nanosecond of the monotonic clock.
    public sealed override long Timestamp => Stopwatch.GetTimestamp();
#pragma warning restore RS0030

    public sealed override int Socket(AddressFamily family) => family switch
    {
        AddressFamily.InterNetwork => Open(AF_INET, SOCK_STREAM),
        AddressFamily.InterNetworkV6 => Open(InterNetworkV6, SOCK_STREAM),
        AddressFamily.Unix => Open(AF_UNIX, SOCK_STREAM),
        _ => -(int)Errno.EAFNOSUPPORT,
    };

    public sealed override int Bind(int descriptor, SocketAddress address)
    {
        fixed (byte* start = address.Buffer.Span)
        {
            return Answer(Libc.bind(descriptor, start, (uint)address.Size));
        }
    }

    public sealed override int Listen(int descriptor, int backlog) => Answer(Libc.listen(descriptor, backlog));

    public sealed override int Connect(int descriptor, SocketAddress address)
    {
        fixed (byte* start = address.Buffer.Span)
        {
            return Answer(Libc.connect(descriptor, start, (uint)address.Size));
        }
    }

    public sealed override int Receive(int descriptor, Span<byte> buffer) => Receive(descriptor, buffer, 0);

    public sealed override int Peek(int descriptor, Span<byte> buffer) => Receive(descriptor, buffer, MSG_PEEK);

    public sealed override int ReceiveUrgent(int descriptor, Span<byte> buffer) => Receive(descriptor, buffer, MSG_OOB);

    // SocketShutdown has the values of SHUT_RD, SHUT_WR and SHUT_RDWR.
    public sealed override int Shutdown(int descriptor, SocketShutdown how) => Answer(Libc.shutdown(descriptor, (int)how));

    public sealed override int Close(int descriptor) => Answer(Libc.close(descriptor));

    public sealed override int LocalAddress(int descriptor, SocketAddress address)
    {
        fixed (byte* start = address.Buffer.Span)
        {
            var size = (uint)address.Buffer.Length;
            return Sized(address, Answer(Libc.getsockname(descriptor, start, &size)), size);
        }
    }

    public sealed override int PeerAddress(int descriptor, SocketAddress address)
    {
        fixed (byte* start = address.Buffer.Span)
        {
            var size = (uint)address.Buffer.Length;
            return Sized(address, Answer(Libc.getpeername(descriptor, start, &size)), size);
        }
    }

    public sealed override int Unlink(string path)
    {
        fixed (byte* start = Terminated(path))
        {
            return Answer(Libc.unlink(start));
        }
    }

    public sealed override int IsStaleSocket(string path)
    {
        fixed (byte* start = Terminated(path))
        {
            var type = FileType(start);
            if (type != S_IFSOCK) return Math.Min(type, 0);
        }

        var probe = Open(AF_UNIX, SOCK_DGRAM);
        if (probe < 0) return probe;
        var answer = Connect(probe, new UnixDomainSocketEndPoint(path).Serialize());
        _ = Libc.close(probe);
        return answer == -(int)Errno.ECONNREFUSED ? 1 : 0;
    }

    // UnixFileMode has the bits of mode_t.
    public sealed override int SetMode(string path, UnixFileMode mode)
    {
        fixed (byte* start = Terminated(path))
        {
            return Answer(Libc.chmod(start, (uint)mode));
        }
    }

    public sealed override int SetOwner(string path, int userId, int groupId)
    {
        fixed (byte* start = Terminated(path))
        {
            return Answer(Libc.chown(start, (uint)userId, (uint)groupId));
        }
    }

    /// <summary>The system's AF_INET6.</summary>
    protected abstract int InterNetworkV6 { get; }

    protected static byte[] Terminated(string path) => Encoding.UTF8.GetBytes(path + '\0');

    /// <summary>socket(2), non-blocking and close-on-exec.</summary>
    protected abstract int Open(int domain, int type);

    /// <summary>The type bits of a path's mode, or a negative errno.</summary>
    protected abstract int FileType(byte* path);

    /// <summary>How many bytes an address has that the system says is of <paramref name="size"/>.</summary>
    protected virtual int SizeOf(SocketAddress address, uint size) => (int)size;

    /// <summary>What the system calls this errno, as ours.</summary>
    protected abstract Errno ToErrno(int native);

    /// <summary>What a call answered, or its errno, negative.</summary>
    protected int Answer(nint answer) => answer >= 0 ? (int)answer : -(int)ToErrno(Libc.errno);

    protected int Send(int descriptor, ReadOnlySpan<byte> data, int flags)
    {
        fixed (byte* start = data)
        {
            return Answer(Libc.send(descriptor, start, (nuint)data.Length, flags));
        }
    }

    protected int SetOption(int descriptor, int level, int number, int value) =>
        Answer(Libc.setsockopt(descriptor, level, number, &value, sizeof(int)));

    protected int GetOption(int descriptor, int level, int number, out int value)
    {
        int answer;
        var size = (uint)sizeof(int);
        fixed (int* start = &value)
        {
            answer = Answer(Libc.getsockopt(descriptor, level, number, start, &size));
        }

        return answer;
    }

    private int Receive(int descriptor, Span<byte> buffer, int flags)
    {
        fixed (byte* start = buffer)
        {
            return Answer(Libc.recv(descriptor, start, (nuint)buffer.Length, flags));
        }
    }

    private int Sized(SocketAddress address, int answer, uint size)
    {
        if (answer >= 0) address.Size = SizeOf(address, size);
        return answer;
    }
}
