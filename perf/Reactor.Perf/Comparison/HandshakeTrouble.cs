using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>
/// What the kernel has counted, in all processes of the machine, of handshakes that did not go through at once. A lost one costs
/// its connect a second, which is no property of the client.
/// </summary>
internal static class HandshakeTrouble
{
    // What peers/storm-sink.c asks listen(2) for.
    private const int SinkBacklog = 4_096;

    private static readonly string[] Names = ["ListenOverflows", "ListenDrops", "TCPSynRetrans", "SyncookiesSent", "TCPReqQFullDrop", "TCPReqQFullDoCookies"];

    /// <summary>Each of them by its name in /proc/net/netstat, where a line of names stands above one of numbers.</summary>
    public static IReadOnlyDictionary<string, long> Count()
    {
        var lines = File.ReadLines("/proc/net/netstat").Where(line => line.StartsWith("TcpExt:", StringComparison.Ordinal)).ToList();
        return lines[0].Split(' ').Zip(lines[1].Split(' '))
            .Where(each => Names.Contains(each.First, StringComparer.Ordinal))
            .ToDictionary(each => each.First, each => long.Parse(each.Second, CultureInfo.InvariantCulture), StringComparer.Ordinal);
    }

    /// <summary>Those that have risen since, with by how much; nothing when none has.</summary>
    public static string? Since(IReadOnlyDictionary<string, long> before)
    {
        var risen = Count()
            .Select(now => (now.Key, Rise: now.Value - before[now.Key]))
            .Where(each => each.Rise > 0)
            .Select(each => string.Create(CultureInfo.InvariantCulture, $"{each.Key} {each.Rise}"))
            .ToList();
        return risen.Count == 0 ? null : string.Join(", ", risen) + SmallBacklog();
    }

    private static string SmallBacklog()
    {
        var most = int.Parse(File.ReadAllText("/proc/sys/net/core/somaxconn"), CultureInfo.InvariantCulture);
        return most >= SinkBacklog ? "" : string.Create(CultureInfo.InvariantCulture, $"; net.core.somaxconn makes the sink's backlog {most} in place of {SinkBacklog}");
    }
}
