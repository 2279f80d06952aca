using System.Globalization;
using Reactor.Load;

namespace Reactor.Tool;

/// <summary>Says no, before anything is opened, to more connections than there are descriptors for.</summary>
internal static class DescriptorNeed
{
    /// <summary>Why so many connections cannot be had; null when they can.</summary>
    public static string? Refusal(DescriptorLimit limit, int connections, bool ownServer)
    {
        // Both ends of a connection are this process's own when the server is.
        var each = ownServer ? 2 : 1;
        var fit = limit.MaxConnections(each);
        if (connections <= fit)
            return null;

        var needed = limit.Needed(connections, each);
        var why = ownServer ? " (two a connection, for the server is in this process)" : "";
        var remedy = limit.Hard >= needed || fit == 0
            ? $"raise the limit (ulimit -n {needed})"
            : string.Create(CultureInfo.InvariantCulture, $"at most --connections {fit} fit, or raise the hard limit (ulimit -Hn {needed})");
        return string.Create(CultureInfo.InvariantCulture,
            $"{connections:N0} connections need {needed:N0} descriptors{why}, and the limit is {limit.Soft:N0}: {remedy}.");
    }
}
