using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>
/// What a process and its children have in memory. It does not count what the kernel keeps of their sockets, nor pages of
/// zeros that were only ever read.
/// </summary>
internal static class ResidentMemory
{
    public static long Bytes(int process) => ProcessTree.Of(process).Sum(OfOne);

    // Not the share of pages that others have as well (Pss): that changes with every process that starts beside it.
    private static long OfOne(int process)
    {
        try
        {
            // proc_pid_smaps(5) counts the pages one by one; VmRSS is off by what each thread has not yet added to it.
            var rollup = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/smaps_rollup"));
            var line = rollup.First(static each => each.StartsWith("Rss:", StringComparison.Ordinal));
            return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
        }
        catch (IOException)
        {
            throw new PeerException("the server is gone");
        }
    }
}
