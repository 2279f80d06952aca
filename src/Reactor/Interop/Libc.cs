using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace Reactor;

/// <summary>
/// The libc calls that a kernel body uses, named as in their man pages. Blittable, with no opinions: the result is
/// what the call answered, and <see cref="errno"/> is read by the caller at once. These are on every system that we run on.
/// </summary>
internal static unsafe partial class Libc
{
    // The runtime tries libc.so first, which musl's loader takes for musl itself, as it does every name that begins with "libc.".
    // Under glibc that is no library, and the plain name follows, of which the runtime makes libc.so.6, and libSystem on macOS.
    private const string Library = "libc";

    /// <summary>errno(3) of the call just made, in the numbers of the running system.</summary>
    internal static int errno => Marshal.GetLastSystemError();

    [LibraryImport(Library)]
    internal static partial int socket(int domain, int type, int protocol);

    [LibraryImport(Library)]
    internal static partial int bind(int sockfd, byte* addr, uint addrlen);

    [LibraryImport(Library)]
    internal static partial int listen(int sockfd, int backlog);

    [LibraryImport(Library)]
    internal static partial int connect(int sockfd, byte* addr, uint addrlen);

    [LibraryImport(Library)]
    internal static partial nint recv(int sockfd, byte* buf, nuint len, int flags);

    [LibraryImport(Library)]
    internal static partial nint send(int sockfd, byte* buf, nuint len, int flags);

    [LibraryImport(Library)]
    internal static partial int shutdown(int sockfd, int how);

    [LibraryImport(Library)]
    internal static partial int close(int fd);

    [LibraryImport(Library)]
    internal static partial int setsockopt(int sockfd, int level, int optname, void* optval, uint optlen);

    [LibraryImport(Library)]
    internal static partial int getsockopt(int sockfd, int level, int optname, void* optval, uint* optlen);

    [LibraryImport(Library)]
    internal static partial int getsockname(int sockfd, byte* addr, uint* addrlen);

    [LibraryImport(Library)]
    internal static partial int getpeername(int sockfd, byte* addr, uint* addrlen);

    [LibraryImport(Library)]
    internal static partial int unlink(byte* pathname);

    [LibraryImport(Library)]
    internal static partial int chmod(byte* pathname, uint mode);

    [LibraryImport(Library)]
    internal static partial int chown(byte* pathname, uint owner, uint group);
}
