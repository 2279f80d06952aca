using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Reactor;

/// <summary>
/// The one seam between the framework and the operating system: everything that a loop asks of the system is a call
/// of this class, so that a test can put another body in its place.
/// </summary>
/// <remarks>
/// <para>The contract of every call: it never blocks, it never throws, and it answers a count or a descriptor of zero or
/// more, or a negative <see cref="Errno"/> (<c>-(int)Errno.EAGAIN</c>). Nothing is remembered between calls.</para>
/// <para>Calls for one descriptor come from one thread. Calls for different descriptors may come at once.</para>
/// <para>Socket addresses cross the seam as <see cref="SocketAddress"/>, in the layout of the running system. A call that
/// fills one sets its <see cref="SocketAddress.Size"/> and needs a buffer as large as <see cref="AddressSize"/>.</para>
/// </remarks>
public abstract class Kernel
{
    /// <summary>The bytes that any socket address fits in: the size of <c>struct sockaddr_storage</c>.</summary>
    public const int AddressSize = 128;

    private static Kernel? _system;

    /// <summary>The kernel of the running system.</summary>
    /// <exception cref="PlatformNotSupportedException">The running system is neither Linux nor macOS on x64 or arm64.</exception>
    public static Kernel System => LazyInitializer.EnsureInitialized(
        ref _system, static () => For(OperatingSystem.IsLinux(), OperatingSystem.IsMacOS(), RuntimeInformation.ProcessArchitecture));

    /// <summary>What the system's man page calls the making of a poller, for errors: <c>epoll_create1</c>, <c>kqueue</c>.</summary>
    public abstract string PollerSyscall { get; }

    /// <summary>What it does otherwise than Linux.</summary>
    public virtual KernelTraits Traits => KernelTraits.None;

    /// <summary>The monotonic clock, in nanoseconds since an arbitrary start. Never goes back.</summary>
    public abstract long Timestamp { get; }

    /// <summary>socket(2): a stream socket, non-blocking and close-on-exec.</summary>
    /// <param name="family">InterNetwork, InterNetworkV6 or Unix.</param>
    /// <returns>The descriptor, or a negative errno.</returns>
    public abstract int Socket(AddressFamily family);

    /// <summary>bind(2).</summary>
    public abstract int Bind(int descriptor, SocketAddress address);

    /// <summary>listen(2). The system silently caps <paramref name="backlog"/> (<c>net.core.somaxconn</c> on Linux).</summary>
    public abstract int Listen(int descriptor, int backlog);

    /// <summary>
    /// fcntl(2): makes a listening socket that another process opened, and we inherited, non-blocking and close-on-exec as ours are.
    /// </summary>
    /// <returns>0, or a negative errno; <see cref="Errno.EINVAL"/> when it does not listen (<c>SO_ACCEPTCONN</c>, socket(7)).</returns>
    public abstract int Adopt(int descriptor);

    /// <summary>accept4(2): takes one waiting connection, non-blocking and close-on-exec, and fills in its peer.</summary>
    /// <returns>The new descriptor, or a negative errno; <see cref="Errno.EAGAIN"/> when none waits.</returns>
    public abstract int Accept(int descriptor, SocketAddress peer);

    /// <summary>connect(2). <see cref="Errno.EINPROGRESS"/> means that the poller will tell when to ask <see cref="SocketError"/>.</summary>
    public abstract int Connect(int descriptor, SocketAddress address);

    /// <summary>recv(2).</summary>
    /// <returns>The bytes received, zero at the end of the stream, or a negative errno.</returns>
    public abstract int Receive(int descriptor, Span<byte> buffer);

    /// <summary>recv(2) with <c>MSG_PEEK</c>: as <see cref="Receive"/>, and the bytes stay where they are.</summary>
    public abstract int Peek(int descriptor, Span<byte> buffer);

    /// <summary>send(2), never raising SIGPIPE.</summary>
    /// <returns>The bytes that the system took, which may be fewer than given, or a negative errno.</returns>
    public abstract int Send(int descriptor, ReadOnlySpan<byte> data);

    /// <summary>sendmsg(2): gathers the vectors into one send, never raising SIGPIPE. At most 1,024 vectors (<c>IOV_MAX</c>).</summary>
    /// <returns>The bytes that the system took, which may be fewer than given, or a negative errno.</returns>
    public abstract int Send(int descriptor, ReadOnlySpan<IoVector> vectors);

    /// <summary>send(2) with <c>MSG_OOB</c>, never raising SIGPIPE: the last of the bytes is the urgent one (tcp(7), RFC 6093).</summary>
    /// <returns>The bytes that the system took, or a negative errno; <see cref="Errno.EOPNOTSUPP"/> where the family has no urgent data.</returns>
    public abstract int SendUrgent(int descriptor, ReadOnlySpan<byte> data);

    /// <summary>recv(2) with <c>MSG_OOB</c>: takes the urgent byte, which is not in the stream unless <c>SO_OOBINLINE</c> is set.</summary>
    /// <returns>
    /// 1, or a negative errno: <see cref="Errno.EAGAIN"/> while it is announced and not here, <see cref="Errno.EINVAL"/> when there
    /// is none, it was taken already, or it is inline.
    /// </returns>
    public abstract int ReceiveUrgent(int descriptor, Span<byte> buffer);

    /// <summary>sockatmark(3): whether everything before the urgent byte has been received.</summary>
    /// <returns>1 when it has, 0 when not, or a negative errno.</returns>
    public abstract int IsAtMark(int descriptor);

    /// <summary>shutdown(2).</summary>
    public abstract int Shutdown(int descriptor, SocketShutdown how);

    /// <summary>close(2). The descriptor is gone whatever the answer; it is never closed twice.</summary>
    public abstract int Close(int descriptor);

    /// <summary>setsockopt(2).</summary>
    public abstract int SetOption(int descriptor, SocketOption name, int value);

    /// <summary>setsockopt(2) of <c>SO_BINDTODEVICE</c>: only this network interface is used (socket(7)).</summary>
    public abstract int BindToDevice(int descriptor, string device);

    /// <summary>getsockopt(2) of <c>SO_PEERCRED</c>: who was behind the other end of a Unix-domain socket when it connected or listened (unix(7)).</summary>
    public abstract int PeerCredentials(int descriptor, out PeerCredentials credentials);

    /// <summary>getsockopt(2) of <c>SO_ERROR</c>, which clears it: 0 when no error is pending, else the pending error, negative.</summary>
    public abstract int SocketError(int descriptor);

    /// <summary>getsockname(2).</summary>
    public abstract int LocalAddress(int descriptor, SocketAddress address);

    /// <summary>getpeername(2). <see cref="Errno.ENOTCONN"/> while a connect is still in progress.</summary>
    public abstract int PeerAddress(int descriptor, SocketAddress address);

    /// <summary>unlink(2).</summary>
    public abstract int Unlink(string path);

    /// <summary>chmod(2).</summary>
    public abstract int SetMode(string path, UnixFileMode mode);

    /// <summary>chown(2). An id of -1 leaves it as it is.</summary>
    public abstract int SetOwner(string path, int userId, int groupId);

    /// <summary>
    /// Whether a path names a socket that nobody has open any more, asked by a connect(2) with a datagram socket: a stream socket that
    /// somebody has answers <c>EPROTOTYPE</c>, also before it listens and with a full backlog, and no client comes of it.
    /// </summary>
    /// <returns>1 when it does; 0 when somebody has it, or it is something else; or a negative errno.</returns>
    public abstract int IsStaleSocket(string path);

    /// <summary>Makes the system's poller.</summary>
    /// <returns>0 and the poller, or a negative errno and null.</returns>
    public abstract int CreatePoller(out Poller? poller);

    /// <summary>The kernel of a system, as <see cref="System"/> chooses it.</summary>
    internal static Kernel For(bool isLinux, bool isMacOS, Architecture architecture) => architecture switch
    {
        Architecture.X64 or Architecture.Arm64 when isLinux => new LinuxKernel(),
        Architecture.X64 or Architecture.Arm64 when isMacOS => new DarwinKernel(),
        _ => throw new PlatformNotSupportedException(
            $"Reactor runs on Linux and macOS, on x64 and arm64. This is {RuntimeInformation.OSDescription} on {architecture}."),
    };

    /// <summary>For tests: what <see cref="System"/> is from here on.</summary>
    internal static void UseAsSystem(Kernel kernel) => _system = kernel;
}
