using System.Runtime.InteropServices;

namespace Reactor;

/// <summary>The calls of macOS that Linux lacks, names otherwise or passes arguments to otherwise.</summary>
internal static unsafe partial class LibSystem
{
    private const string Library = "libc";

    [LibraryImport(Library)]
    internal static partial int accept(int sockfd, byte* addr, uint* addrlen);

    [LibraryImport(Library)]
    internal static partial nint writev(int fd, IoVector* iov, int iovcnt);

    [LibraryImport(Library)]
    internal static partial int getpeereid(int sockfd, uint* euid, uint* egid);

    [LibraryImport(Library)]
    internal static partial uint if_nametoindex(byte* ifname);

    [LibraryImport(Library)]
    internal static partial int kqueue();

    [LibraryImport(Library)]
    internal static partial int kevent(int kq, KEvent* changelist, int nchanges, KEvent* eventlist, int nevents, Timespec* timeout);

    /// <summary>fcntl(2).</summary>
    internal static int fcntl(int fd, int op, nint arg) =>
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? fcntl_arm64(fd, op, 0, 0, 0, 0, 0, 0, arg) : fcntl_x64(fd, op, arg);

    /// <summary>ioctl(2).</summary>
    internal static int ioctl(int fd, nuint op, int* argp) =>
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? ioctl_arm64(fd, op, 0, 0, 0, 0, 0, 0, argp) : ioctl_x64(fd, op, argp);

    /// <summary>lstat(2), with <c>struct stat</c> as it is since inodes have 64 bits.</summary>
    internal static int lstat(byte* pathname, byte* statbuf) =>
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? lstat_arm64(pathname, statbuf) : lstat_x64(pathname, statbuf);

    [LibraryImport(Library, EntryPoint = "fcntl")]
    private static partial int fcntl_x64(int fd, int op, nint arg);

    // Apple's arm64 convention passes variadic arguments on the stack, whatever registers are free. A call that is not variadic
    // puts its ninth argument there, in the same eight bytes: six that nobody looks at fill the registers x2 to x7.
    [LibraryImport(Library, EntryPoint = "fcntl")]
    private static partial int fcntl_arm64(int fd, int op, nint x2, nint x3, nint x4, nint x5, nint x6, nint x7, nint arg);

    [LibraryImport(Library, EntryPoint = "ioctl")]
    private static partial int ioctl_x64(int fd, nuint op, int* argp);

    [LibraryImport(Library, EntryPoint = "ioctl")]
    private static partial int ioctl_arm64(int fd, nuint op, nint x2, nint x3, nint x4, nint x5, nint x6, nint x7, int* argp);

    // The plain name is the older layout on x64 and the newer on arm64 (stat(2) of macOS).
    [LibraryImport(Library, EntryPoint = "lstat$INODE64")]
    private static partial int lstat_x64(byte* pathname, byte* statbuf);

    [LibraryImport(Library, EntryPoint = "lstat")]
    private static partial int lstat_arm64(byte* pathname, byte* statbuf);
}
