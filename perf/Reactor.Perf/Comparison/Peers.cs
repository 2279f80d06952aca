namespace Reactor.Perf.Comparison;

/// <summary>The peers that stand on a library or another language: <c>perf/peers/build</c> makes them, where it can.</summary>
internal static class Peers
{
    // ArtifactsPath/peers, seen from ArtifactsPath/bin/Reactor.Perf/release.
    private static readonly string Folder = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "peers"));

    /// <summary>The program that a peer has for a role: <c>uv-echo</c>, <c>uv-fanout</c>.</summary>
    public static string Program(string name, Role role) => Path.Combine(Folder, $"{name}-{role.ToString().ToLowerInvariant()}");

    /// <summary>The options without the peers that could not be built, each of them told in one line.</summary>
    public static async Task<Options> BuildAsync(Options options, CancellationToken cancellationToken)
    {
        var peers = options.Scenarios.SelectMany(options.ContestantsOf).Where(each => each.IsBuiltPeer).Distinct().ToList();
        if (peers.Count == 0)
            return options;
        if (options.Repository is { } repository)
        {
            var script = Path.Combine(repository, "perf", "peers", "build");
            var names = peers.Select(each => each.Name).Distinct(StringComparer.Ordinal);
            var (built, output) = await Programs.RunAsync(script, ["--no-install", "--output", Folder, .. names], cancellationToken);
            await Console.Error.WriteLineAsync(output);
            options = options with { PeerVersions = Versions(output) };
            if (!built)
                await Console.Error.WriteLineAsync("what is not built is left out; perf/peers/build, as root, installs what it needs from Debian's packages");
        }
        var missing = peers.Where(each => !File.Exists(each.Command[0])).ToList();
        if (options.Repository is null)
        {
            foreach (var peer in missing)
                await Console.Error.WriteLineAsync($"{peer.Name}: left out, there is no {peer.Command[0]}");
        }

        return options with { Missing = missing };
    }

    /// <summary>Of the lines <c>uv: libuv 1.44.2-1, ...</c>; the reason why one is not built is none.</summary>
    internal static IReadOnlyDictionary<string, string> Versions(string output) =>
        output.Split('\n', StringSplitOptions.TrimEntries)
            .Select(static line => line.Split(": ", 2))
            .Where(static parts => parts is [_, var version] && !version.StartsWith("not built", StringComparison.Ordinal))
            .DistinctBy(static parts => parts[0], StringComparer.Ordinal)
            .ToDictionary(static parts => parts[0], static parts => parts[1], StringComparer.Ordinal);
}
