using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>The sockets that listen on a port, as the kernel lists them in /proc/net/tcp and tcp6, proc_pid_net(5).</summary>
internal static class Listeners
{
    private const string LISTEN = "0A";

    private static readonly string[] Tables = ["/proc/net/tcp", "/proc/net/tcp6"];

    /// <summary>Whether any is held by none of the processes: part of the connections may then be served by a stranger.</summary>
    public static bool HasStranger(int port, IReadOnlyList<int> processes)
    {
        var listening = Tables.Where(File.Exists).SelectMany(file => InodesOf(port, File.ReadLines(file)));
        return listening.Except(processes.SelectMany(SocketsOf), StringComparer.Ordinal).Any();
    }

    /// <summary>From a table of the kernel's: <c>0: 0100007F:1F90 00000000:0000 0A ... INODE ...</c>.</summary>
    internal static IEnumerable<string> InodesOf(int port, IEnumerable<string> lines)
    {
        var local = string.Create(CultureInfo.InvariantCulture, $":{port:X4}");
        return
            from line in lines
            let fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            where fields.Length > 9 && fields[1].EndsWith(local, StringComparison.Ordinal) && string.Equals(fields[3], LISTEN, StringComparison.Ordinal)
            select fields[9];
    }

    private static List<string> SocketsOf(int process)
    {
        var sockets = new List<string>();
        try
        {
            foreach (var descriptor in Directory.EnumerateFileSystemEntries(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/fd")))
            {
                if (new FileInfo(descriptor).LinkTarget is { } target && target.StartsWith("socket:[", StringComparison.Ordinal))
                    sockets.Add(target["socket:[".Length..^1]);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A worker that has ended, or one that gave up its rights: what it inherited its parent holds as well.
        }

        return sockets;
    }
}
