namespace Reactor.Perf.Comparison;

/// <summary>The peers that stand on a library or another language: <c>perf/peers/build</c> makes them, where it can.</summary>
internal static class Peers
{
    // ArtifactsPath/peers, seen from ArtifactsPath/bin/Reactor.Perf/release.
    private static readonly string Folder = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "peers"));

    public static string Program(string name) => Path.Combine(Folder, name + "-echo");

    /// <summary>The options without the peers that could not be built, each of them told in one line.</summary>
    public static async Task<Options> BuildAsync(Options options, CancellationToken cancellationToken)
    {
        var names = options.Contestants.Where(each => each.IsBuiltPeer).Select(each => each.Name).ToList();
        if (names.Count == 0)
            return options;
        if (options.Repository is { } repository)
        {
            var script = Path.Combine(repository, "perf", "peers", "build");
            var (built, output) = await Programs.RunAsync(script, ["--no-install", "--output", Folder, .. names], cancellationToken);
            await Console.Error.WriteLineAsync(output);
            if (!built)
                await Console.Error.WriteLineAsync("what is not built is left out; perf/peers/build, as root, installs what it needs from Debian's packages");
        }
        else
        {
            foreach (var name in names.Where(each => !File.Exists(Program(each))))
                await Console.Error.WriteLineAsync($"{name}: left out, there is no {Program(name)}");
        }

        return options with { Contestants = [.. options.Contestants.Where(each => !each.IsBuiltPeer || File.Exists(each.Command[0]))] };
    }
}
