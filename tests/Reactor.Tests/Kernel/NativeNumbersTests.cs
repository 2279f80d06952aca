using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Reactor.Tests;

/// <summary>
/// The numbers and layouts that the kernels pass to the system are those of the system's own headers, as a C compiler reads
/// them. Those of the architecture that we do not run on take a cross compiler, and those of macOS, elsewhere, its headers.
/// </summary>
[TestFixture]
public sealed partial class NativeNumbersTests
{
    /// <summary>Names a folder of macOS's headers, <c>usr/include</c> of an SDK, for clang on another system.</summary>
    private const string DarwinHeadersVariable = "REACTOR_DARWIN_HEADERS";

    // EQFULL; newer systems have one more, which we do not translate.
    private const int LastOfDarwin = 106;

    private static readonly string? _darwinHeaders =
        Environment.GetEnvironmentVariable(DarwinHeadersVariable) is { Length: > 0 } given ? given : null;

    private static readonly string[] _headersOfDarwin =
    [
        "errno.h", "fcntl.h", "netinet/in.h", "netinet/tcp.h", "sys/event.h", "sys/ioctl.h", "sys/socket.h", "sys/stat.h", "sys/time.h", "sys/uio.h", "sys/un.h",
    ];

    private static readonly Dictionary<string, string> _iovec = new(StringComparer.Ordinal)
    {
        [nameof(IoVector.Base)] = "iov_base",
        [nameof(IoVector.Length)] = "iov_len",
    };

    private static readonly (UnixFileMode Bit, string Name)[] _modes =
    [
        (UnixFileMode.SetUser, "S_ISUID"), (UnixFileMode.SetGroup, "S_ISGID"), (UnixFileMode.StickyBit, "S_ISVTX"),
        (UnixFileMode.UserRead, "S_IRUSR"), (UnixFileMode.UserWrite, "S_IWUSR"), (UnixFileMode.UserExecute, "S_IXUSR"),
        (UnixFileMode.GroupRead, "S_IRGRP"), (UnixFileMode.GroupWrite, "S_IWGRP"), (UnixFileMode.GroupExecute, "S_IXGRP"),
        (UnixFileMode.OtherRead, "S_IROTH"), (UnixFileMode.OtherWrite, "S_IWOTH"), (UnixFileMode.OtherExecute, "S_IXOTH"),
    ];

    [TestCase(Architecture.X64)]
    [TestCase(Architecture.Arm64)]
    public async Task The_numbers_and_layouts_of_Linux_are_those_of_its_headers(Architecture architecture)
    {
        var asserted = new StaticAssertions(
            "errno.h", "fcntl.h", "netinet/in.h", "netinet/tcp.h", "sys/epoll.h", "sys/eventfd.h", "sys/ioctl.h", "sys/socket.h", "sys/stat.h", "sys/uio.h", "time.h");

        asserted.HasConstantsOf(typeof(LinuxAbi), new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [nameof(LinuxAbi.StatxSize)] = "sizeof(struct statx)",
            [nameof(LinuxAbi.StatxModeOffset)] = "offsetof(struct statx, stx_mode)",
        });
        AddWhatBothSystemsHave(asserted);
        asserted.HasLayoutOf<Libc.MsgHdr>("msghdr");
        asserted.HasField("statx", "stx_mode", LinuxAbi.StatxModeOffset, sizeof(ushort));
        asserted.HasField("ucred", "pid", 0, sizeof(int));
        asserted.HasField("ucred", "uid", 4, sizeof(int));
        asserted.HasField("ucred", "gid", 8, sizeof(int));
        var layout = EpollEventLayout.For(architecture);
        asserted.AreEqual("sizeof(struct epoll_event)", layout.Size);
        asserted.HasField("epoll_event", "events", 0, sizeof(uint));
        asserted.HasField("epoll_event", "data", layout.DataOffset, sizeof(ulong));

        Assert.That(await ForLinux(architecture).ComplaintsOf(asserted.ToString()), Is.Empty);
    }

    [TestCase(Architecture.X64)]
    [TestCase(Architecture.Arm64)]
    public async Task The_errnos_are_those_of_Linux(Architecture architecture)
    {
        var asserted = new StaticAssertions("errno.h");
        foreach (var errno in Named())
            asserted.AreEqual(errno.ToString(), (int)errno);

        Assert.That(await ForLinux(architecture).ComplaintsOf(asserted.ToString()), Is.Empty);
    }

    [TestCase(Architecture.X64)]
    [TestCase(Architecture.Arm64)]
    public async Task The_numbers_and_layouts_of_macOS_are_those_of_its_headers(Architecture architecture)
    {
        var asserted = new StaticAssertions(_headersOfDarwin);

        asserted.HasConstantsOf(typeof(DarwinAbi), new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [nameof(DarwinAbi.StatSize)] = "sizeof(struct stat)",
            [nameof(DarwinAbi.StatModeOffset)] = "offsetof(struct stat, st_mode)",
        });
        AddWhatBothSystemsHave(asserted);
        asserted.HasLayoutOf<KEvent>("kevent");
        asserted.HasField("stat", "st_mode", DarwinAbi.StatModeOffset, sizeof(ushort));

        Assert.That(await ForDarwin(architecture).ComplaintsOf(asserted.ToString()), Is.Empty);
    }

    [TestCase(Architecture.X64)]
    [TestCase(Architecture.Arm64)]
    public async Task The_errnos_of_macOS_are_translated_by_the_names_of_its_headers(Architecture architecture)
    {
        var asserted = new StaticAssertions("errno.h");
        foreach (var errno in Named())
        {
            var native = DarwinErrno.ToNative(errno);
            if (DarwinErrno.FromNative(native) == errno) asserted.AreEqual(errno.ToString(), native);
            else asserted.IsUnknown(errno.ToString());
        }

        // The way back, for each number there is: these two are other names of errors that Linux has one name for.
        for (var native = 1; DarwinErrno.FromNative(native) is var errno && native <= LastOfDarwin; native++)
        {
            if ((int)errno >= DarwinErrno.Foreign) continue;
            asserted.AreEqual(native switch { 45 => "ENOTSUP", 106 => "EQFULL", _ => errno.ToString() }, native);
        }

        asserted.AreEqual("EWOULDBLOCK", DarwinErrno.ToNative(Errno.EAGAIN));

        Assert.That(await ForDarwin(architecture).ComplaintsOf(asserted.ToString()), Is.Empty);
    }

    // The other half of the tests of macOS's kernel on Linux has them from the headers and not from us.
    [TestCase(Architecture.X64)]
    [TestCase(Architecture.Arm64)]
    public async Task The_libc_that_speaks_macOS_has_its_numbers(Architecture architecture)
    {
        var asserted = new StaticAssertions(_headersOfDarwin);
        var numbers = NumberOfDarwin().Matches(await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "tests", "Reactor.Tests.Darwin", "darwin-libc.h")));
        Assert.That(numbers, Is.Not.Empty);
        foreach (Match number in numbers)
            asserted.AreEqual(number.Groups["name"].Value, number.Groups["value"].Value);

        Assert.That(await ForDarwin(architecture).ComplaintsOf(asserted.ToString()), Is.Empty);
    }

    [TestCase(Architecture.X64, "lstat$INODE64")]
    [TestCase(Architecture.Arm64, "lstat")]
    public async Task The_lstat_of_macOS_with_this_layout_has_this_name(Architecture architecture, string name)
    {
        const string Call = """
            #include <sys/stat.h>
            int call(const char *path, struct stat *status) { return lstat(path, status); }
            """;

        Assert.That(await ForDarwin(architecture).AssemblyOf(Call), Does.Match($@"_{name.Replace("$", @"\$", StringComparison.Ordinal)}""?\s"));
    }

    [Test]
    public async Task A_number_that_is_wrong_is_told_with_its_name()
    {
        var asserted = new StaticAssertions("sys/socket.h");
        asserted.AreEqual("AF_UNIX", 7);
        asserted.AreEqual("SO_ERROR", -7);
        asserted.AreEqual("SO_NO_SUCH_OPTION", 7);

        var complaints = await CCompiler.Need("cc").ComplaintsOf(asserted.ToString());

        Assert.That(complaints, Does.Contain("AF_UNIX is 7").And.Contain("SO_ERROR is -7").And.Contain("SO_NO_SUCH_OPTION"));
    }

    private static IEnumerable<Errno> Named() => Enum.GetValues<Errno>().Where(static errno => errno != Errno.None);

    private static void AddWhatBothSystemsHave(StaticAssertions asserted)
    {
        asserted.HasConstantsOf(typeof(UnixAbi));
        asserted.AreEqual("sizeof(struct sockaddr_storage)", Kernel.AddressSize);
        asserted.AreEqual("SHUT_RD", (int)SocketShutdown.Receive);
        asserted.AreEqual("SHUT_WR", (int)SocketShutdown.Send);
        asserted.AreEqual("SHUT_RDWR", (int)SocketShutdown.Both);
        foreach (var (bit, name) in _modes)
            asserted.AreEqual(name, (long)bit);
        asserted.HasLayoutOf<IoVector>("iovec", _iovec);
        asserted.HasLayoutOf<Timespec>("timespec");
        asserted.HasField("linger", "l_onoff", 0, sizeof(int));
        asserted.HasField("linger", "l_linger", 4, sizeof(int));
    }

    private static CCompiler ForLinux(Architecture architecture)
    {
        if (OperatingSystem.IsLinux() && architecture == RuntimeInformation.OSArchitecture) return CCompiler.Need("cc");
        return CCompiler.Need($"{(architecture == Architecture.X64 ? "x86_64" : "aarch64")}-linux-gnu-gcc");
    }

    private static CCompiler ForDarwin(Architecture architecture)
    {
        var name = architecture == Architecture.X64 ? "x86_64" : "arm64";
        const string NoLimit = "-ferror-limit=0";
        if (OperatingSystem.IsMacOS()) return CCompiler.Need("cc", "-arch", name, NoLimit);
        if (_darwinHeaders is null) Assert.Ignore($"{DarwinHeadersVariable} names no folder of macOS's headers.");

        // The first macOS that runs on both; left to itself, clang takes one without 64-bit inodes. Headers of the compiler are its own.
        return CCompiler.Need("clang", "-target", $"{name}-apple-macos11", "-nostdlibinc", "-isystem", _darwinHeaders!, NoLimit);
    }

    [GeneratedRegex(@"\bDARWIN_(?<name>\w+) = (?<value>-?\w+)", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex NumberOfDarwin();
}
