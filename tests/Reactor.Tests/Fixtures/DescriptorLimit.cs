using System.Globalization;
using System.Runtime.InteropServices;

namespace Reactor.Tests.Fixtures;

/// <summary>This process's limit on descriptors, RLIMIT_NOFILE; lowered for the time of a test that wants EMFILE for real.</summary>
internal sealed partial class DescriptorLimit : IDisposable
{
    private const int RLIMIT_NOFILE = 7;

    private readonly RLimit _former;

    private DescriptorLimit(ulong soft)
    {
        Check(getrlimit(RLIMIT_NOFILE, out _former));
        var lowered = _former with { Soft = soft };
        Check(setrlimit(RLIMIT_NOFILE, in lowered));
    }

    /// <summary>Descriptors from this number on cannot be had until the answer is disposed.</summary>
    public static DescriptorLimit LowerTo(int highest) => new((ulong)highest);

    /// <summary>The first number that is free and has no used one above it.</summary>
    public static int FirstUnused() => 1 + Directory.EnumerateFileSystemEntries("/proc/self/fd")
        .Max(static path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture));

    /// <summary>Ends the test as skipped where the hard limit leaves no room for so many. The runtime has raised the soft limit to it.</summary>
    public static void NeedOrSkip(int descriptors)
    {
        Check(getrlimit(RLIMIT_NOFILE, out var limit));
        if (limit.Soft < (ulong)descriptors)
            Assert.Ignore($"Needs {descriptors} descriptors, and the limit (ulimit -n) is {limit.Soft}.");
    }

    public void Dispose() => Check(setrlimit(RLIMIT_NOFILE, in _former));

    private static void Check(int answer)
    {
        if (answer != 0)
            throw new InvalidOperationException("RLIMIT_NOFILE cannot be read or set.");
    }

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, out RLimit limit);

    [LibraryImport("libc")]
    private static partial int setrlimit(int resource, in RLimit limit);

    private struct RLimit
    {
        public ulong Soft;
        public ulong Hard;
    }
}
