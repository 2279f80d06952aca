using System.Runtime.InteropServices;

namespace Reactor.Load;

/// <summary>How many descriptors this process may have open, and how many it has.</summary>
/// <param name="Soft">The limit in force.</param>
/// <param name="Hard">The limit up to which a process may raise its own.</param>
/// <param name="InUse">How many descriptors are open.</param>
public readonly partial record struct DescriptorLimit(long Soft, long Hard, int InUse)
{
    // What a load opens beside its connections: pollers, wake-ups, a listener, libraries that are loaded late. It
    // needs a dozen; the rest is for the runtime, which opens files when it likes.
    private const int Reserve = 64;

    /// <summary>The limit as it is now.</summary>
    public static DescriptorLimit Current => Read() is { } limit
        ? new DescriptorLimit(ToLong(limit.Current), ToLong(limit.Maximum), CountOpen())
        : new DescriptorLimit(long.MaxValue, long.MaxValue, CountOpen());

    /// <summary>Raises the soft limit to the hard one, as far as the system allows.</summary>
    /// <returns>The limit that is then in force.</returns>
    public static DescriptorLimit Raise()
    {
        if (Read() is { } limit && limit.Current < limit.Maximum)
        {
            // A refusal leaves the old limit in force, and that is what the caller then reckons with. macOS refuses
            // an unlimited hard limit (setrlimit(2): no more than OPEN_MAX) and takes OPEN_MAX itself.
            const ulong OPEN_MAX = 10_240;
            var raised = limit with { Current = limit.Maximum };
            if (setrlimit(RLIMIT_NOFILE, raised) != 0 && OperatingSystem.IsMacOS() && limit.Current < OPEN_MAX)
                _ = setrlimit(RLIMIT_NOFILE, limit with { Current = Math.Min(OPEN_MAX, limit.Maximum) });
        }
        return Current;
    }

    /// <summary>How many connections fit.</summary>
    /// <param name="descriptorsPerConnection">What a connection costs: 1, or 2 when its other end is here as well.</param>
    /// <returns>The number; 0 when not even one fits.</returns>
    public int MaxConnections(int descriptorsPerConnection)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(descriptorsPerConnection, 1);
        return (int)Math.Clamp((Soft - InUse - Reserve) / descriptorsPerConnection, 0, int.MaxValue);
    }

    /// <summary>The limit that so many connections need.</summary>
    /// <param name="connections">How many connections.</param>
    /// <param name="descriptorsPerConnection">What a connection costs.</param>
    /// <returns>The number of descriptors.</returns>
    public long Needed(int connections, int descriptorsPerConnection) =>
        (long)connections * descriptorsPerConnection + InUse + Reserve;

    private static long ToLong(ulong limit) => (long)Math.Min(limit, long.MaxValue);

    private static Limits? Read() => getrlimit(RLIMIT_NOFILE, out var limit) == 0 ? limit : null;

    private static int CountOpen()
    {
        try
        {
            return Directory.GetFileSystemEntries("/dev/fd").Length;
        }
        catch (IOException)
        {
            // Without /proc there is nothing to count; the reserve has to do.
            return 0;
        }
    }

    private static int RLIMIT_NOFILE => OperatingSystem.IsMacOS() ? 8 : 7;

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, out Limits limits);

    [LibraryImport("libc")]
    private static partial int setrlimit(int resource, in Limits limits);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Limits(ulong Current, ulong Maximum);
}
