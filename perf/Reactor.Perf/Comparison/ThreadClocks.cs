using System.Globalization;
using static System.FormattableString;

namespace Reactor.Perf.Comparison;

/// <summary>How long each thread of a process has run, to the nanosecond: proc_pid_schedstat, which counts no clock ticks.</summary>
internal static class ThreadClocks
{
    /// <summary>By thread id. A thread that has ended is not in it.</summary>
    public static IReadOnlyDictionary<int, (string Name, TimeSpan Ran)> Read(int process)
    {
        var threads = new Dictionary<int, (string Name, TimeSpan Ran)>();
        foreach (var folder in Threads(process))
        {
            try
            {
                var ran = File.ReadAllText(Path.Combine(folder, "schedstat")).Split(' ')[0];
                var name = File.ReadAllText(Path.Combine(folder, "comm")).TrimEnd();
                var nanoseconds = long.Parse(ran, CultureInfo.InvariantCulture);
                threads[int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture)] = (name, TimeSpan.FromMicroseconds(nanoseconds / 1e3));
            }
            catch (IOException)
            {
                // It ended while we looked.
            }
        }

        // Not even one that never ends: the kernel keeps no such clocks, or the process is gone.
        return threads.Count > 0 ? threads : throw new PeerException(Invariant($"no thread of process {process} has a schedstat"));
    }

    public static TimeSpan Sum(int process) => Read(process).Values.Aggregate(TimeSpan.Zero, (sum, thread) => sum + thread.Ran);

    private static string[] Threads(int process)
    {
        try
        {
            return Directory.GetDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/task"));
        }
        catch (IOException)
        {
            throw new PeerException("the server is gone");
        }
    }
}
