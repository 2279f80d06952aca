using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>A process and those that it started: the workers of a server are the server.</summary>
internal static class ProcessTree
{
    /// <summary>Their ids, its own first. Nothing is said of those that end meanwhile.</summary>
    public static IReadOnlyList<int> Of(int process)
    {
        var children = Directory.EnumerateDirectories("/proc")
            .Select(static folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(static id => id > 0)
            .ToLookup(ParentOf);
        var tree = new List<int> { process };
        for (var i = 0; i < tree.Count; i++)
            tree.AddRange(children[tree[i]]);
        return tree;
    }

    private static int? ParentOf(int process)
    {
        try
        {
            return ProcessStat.ParentOf(process);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
