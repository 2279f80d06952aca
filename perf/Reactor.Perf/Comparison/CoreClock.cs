using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>
/// How long a core has been busy since the machine started, whoever used it. Less what our own process used, it tells
/// a machine that others work on from a load that is too slow.
/// </summary>
internal static class CoreClock
{
    // USER_HZ, the unit of /proc/stat, is 100 on every architecture that .NET runs on.
    public const double TicksPerSecond = 100;

    /// <summary>Seconds of user, nice, system, irq, softirq and steal time: all but idle and waiting, proc_stat(5).</summary>
    public static double BusySeconds(int core)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"cpu{core} ");
        var line = File.ReadLines("/proc/stat").First(each => each.StartsWith(name, StringComparison.Ordinal));
        var ticks = line.Split(' ').Skip(1).Select(each => long.Parse(each, CultureInfo.InvariantCulture)).ToList();
        return (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7]) / TicksPerSecond;
    }
}
