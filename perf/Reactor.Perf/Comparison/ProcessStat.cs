using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>What the kernel tells of a process in <c>/proc/PID/stat</c>, proc_pid_stat(5).</summary>
internal static class ProcessStat
{
    private const int Parent = 4;
    private const int UserTicks = 14;
    private const int KernelTicks = 15;

    public static int ParentOf(int process) => int.Parse(Fields(process)[Parent], CultureInfo.InvariantCulture);

    /// <summary>What it has used of the processor, with all its threads, to 10 ms.</summary>
    public static double CpuSeconds(int process)
    {
        var fields = Fields(process);
        var ticks = long.Parse(fields[UserTicks], CultureInfo.InvariantCulture) + long.Parse(fields[KernelTicks], CultureInfo.InvariantCulture);
        return ticks / CoreClock.TicksPerSecond;
    }

    // Numbered as in the manual, from 1. The second is the name, which may hold blanks and brackets.
    private static string[] Fields(int process)
    {
        var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/stat"));
        return ["", "", "", .. stat[(stat.LastIndexOf(')') + 2)..].Split(' ')];
    }
}
