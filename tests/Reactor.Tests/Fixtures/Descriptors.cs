using System.Globalization;

namespace Reactor.Tests.Fixtures;

/// <summary>This process's descriptors and threads, as the kernel lists them.</summary>
internal static class Descriptors
{
    /// <summary>The sockets, epoll instances and eventfds that are open now, each as "number target".</summary>
    public static HashSet<string> OfNetwork() => Open(static target =>
        target.StartsWith("socket:", StringComparison.Ordinal)
        || target is "anon_inode:[eventpoll]" or "anon_inode:[eventfd]");

    public static int Sockets() => Open(static target => target.StartsWith("socket:", StringComparison.Ordinal)).Count;

    public static HashSet<string> All() => Open(static _ => true);

    public static string? TargetOf(int descriptor) => new FileInfo($"/proc/self/fd/{descriptor.ToString(CultureInfo.InvariantCulture)}").LinkTarget;

    /// <summary>The names of this process's threads that begin like this; the kernel keeps 15 characters of a name.</summary>
    public static IReadOnlyList<string> ThreadsNamed(string beginning)
    {
        var names = new List<string>();
        foreach (var task in Directory.EnumerateDirectories("/proc/self/task"))
        {
            try
            {
                var name = File.ReadAllText(Path.Combine(task, "comm")).TrimEnd();
                if (name.StartsWith(beginning, StringComparison.Ordinal))
                    names.Add($"{Path.GetFileName(task)} {name}");
            }
            catch (IOException)
            {
                // The thread ended between the listing and the reading.
            }
        }

        return names;
    }

    private static HashSet<string> Open(Func<string, bool> wanted)
    {
        var open = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos())
        {
            // The descriptor of this very listing, and any other that closed meanwhile, has no target any more.
            string? target;
            try
            {
                target = entry.LinkTarget;
            }
            catch (IOException)
            {
                continue;
            }

            if (target is not null && wanted(target))
                open.Add($"{entry.Name} {target}");
        }

        return open;
    }
}
