using System.Globalization;

namespace Reactor;

/// <summary>
/// Listening sockets that whoever started this process opened for it: socket activation (sd_listen_fds(3)). Serve them with
/// <see cref="EventLoop.ListenAsync(int, ConnectionHandler, ListenOptions?)"/>.
/// </summary>
public static class InheritedSockets
{
    // SD_LISTEN_FDS_START: those before are the standard streams.
    private const int First = 3;

    /// <summary>
    /// Their descriptors, in the order of the unit file; none when <c>LISTEN_PID</c> is not this process. Ask once and serve each
    /// once: a listener closes its own.
    /// </summary>
    public static IReadOnlyList<int> Descriptors => Parse(Environment.GetEnvironmentVariable("LISTEN_PID"), Environment.GetEnvironmentVariable("LISTEN_FDS"));

    internal static IReadOnlyList<int> Parse(string? listenPid, string? listenFds) =>
        int.TryParse(listenPid, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid == Environment.ProcessId
        && ushort.TryParse(listenFds, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? [.. Enumerable.Range(First, count)]
            : [];
}
