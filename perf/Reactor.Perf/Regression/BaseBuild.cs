using Reactor.Perf.Comparison;

namespace Reactor.Perf.Regression;

/// <summary>
/// A revision in a git worktree of its own in a temporary folder, built there. Disposing of it removes both, also when
/// making it failed or was interrupted.
/// </summary>
internal sealed class BaseBuild : IAsyncDisposable
{
    // What today's server program is made of: a part of it is the handler of an example.
    private static readonly string[] Folders = ["perf", Path.Combine("examples", "TcpProxy")];

    private readonly string _repository;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("reactor-perf-");

    private BaseBuild(string repository, string commit) => (_repository, Commit) = (repository, commit);

    public string Commit { get; }

    /// <summary>The assembly that has the <c>serve</c> command.</summary>
    public string Program { get; private set; } = "";

    /// <summary>
    /// Today's server program did not compile against the revision, so the revision's own is used: a difference may then
    /// come from that program as well.
    /// </summary>
    public bool HasItsOwnServer { get; private set; }

    private string Tree => Path.Combine(_folder.FullName, "base");

    private string Project => Path.Combine(Tree, "perf", "Reactor.Perf", "Reactor.Perf.csproj");

    /// <summary>Throws a <see cref="BaseBuildException"/> that says what is in the way.</summary>
    public static async Task<BaseBuild> CreateAsync(string repository, string revision, CancellationToken cancellationToken)
    {
        var (isKnown, commit) = await Programs.RunAsync(
            "git", ["-C", repository, "rev-parse", "--verify", "--quiet", revision + "^{commit}"], cancellationToken);
        if (!isKnown)
            throw new BaseBuildException($"{revision} is no revision of {repository}");

        var build = new BaseBuild(repository, commit);
        try
        {
            await build.GitAsync(["worktree", "add", "--quiet", "--detach", build.Tree, commit], cancellationToken);
            await build.BuildAsync(revision, cancellationToken);
            return build;
        }
        catch
        {
            await build.DisposeAsync();
            throw;
        }
    }

    // The files go first: git is a process that another Ctrl-C would end, and it unregisters a worktree that is gone as well.
    public async ValueTask DisposeAsync()
    {
        try
        {
            _folder.Delete(recursive: true);
            var (done, output) = await Programs.RunAsync(
                "git", ["-C", _repository, "worktree", "remove", "--force", "--force", Tree], CancellationToken.None);

            // Interrupted before git had registered it, there is none to remove.
            if (!done && !output.Contains("is not a working tree", StringComparison.Ordinal))
                await Console.Error.WriteLineAsync($"perf/run: git still knows the worktree {Tree}; git worktree prune makes it forget ({output})");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"perf/run: {Tree} could not be removed: {e.Message}");
        }
    }

    // Today's server program on both sides leaves the library below it as the only difference.
    private async Task BuildAsync(string revision, CancellationToken cancellationToken)
    {
        await Console.Error.WriteLineAsync($"building {revision} ({Commit[..12]})");
        RemoveHarness();
        foreach (var folder in Folders)
            Copy(new DirectoryInfo(Path.Combine(_repository, folder)), Path.Combine(Tree, folder));
        if (await CompileAsync(cancellationToken) is not { } withToday)
            return;

        RemoveHarness();
        var (hasHarness, _) = await Programs.RunAsync("git", ["-C", Tree, "checkout", "--quiet", "HEAD", "--", "."], cancellationToken);
        if (!hasHarness || !File.Exists(Project))
            throw new BaseBuildException($"today's perf/Reactor.Perf does not compile against {revision}, which has none of its own: {withToday}");
        HasItsOwnServer = true;
        await Console.Error.WriteLineAsync($"today's perf/Reactor.Perf does not compile against {revision}, so its own is used: {withToday}");
        if (await CompileAsync(cancellationToken) is { } withItsOwn)
            throw new BaseBuildException($"{revision} does not compile: {withItsOwn}");
    }

    private void RemoveHarness()
    {
        foreach (var folder in Folders.Select(each => Path.Combine(Tree, each)).Where(Directory.Exists))
            Directory.Delete(folder, recursive: true);
    }

    /// <summary>Gives the first error, or nothing when <see cref="Program"/> is there.</summary>
    private async Task<string?> CompileAsync(CancellationToken cancellationToken)
    {
        // Compilers that stay to serve the next build would keep files of a folder that is about to go, and take processor
        // time while we measure. An older tree may not be free of what today's analyzers warn of.
        var artifacts = "-property:ArtifactsPath=" + Path.Combine(_folder.FullName, "artifacts");
        var (compiled, output) = await Programs.RunAsync(
            "dotnet",
            ["build", Project, "--configuration", "Release", "--verbosity", "quiet", "--nologo", "--disable-build-servers", artifacts, "-property:TreatWarningsAsErrors=false"],
            cancellationToken);
        if (!compiled)
            return output.Split('\n').FirstOrDefault(line => line.Contains(": error ", StringComparison.Ordinal))?.Trim() ?? output;

        var (found, program) = await Programs.RunAsync(
            "dotnet", ["msbuild", Project, "-property:Configuration=Release", artifacts, "-getProperty:TargetPath"], cancellationToken);
        if (!found || !File.Exists(program))
            throw new BaseBuildException($"what was built from {Project} is not where it should be: {program}");
        Program = program;
        return null;
    }

    private async Task GitAsync(IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var (done, output) = await Programs.RunAsync("git", ["-C", _repository, .. arguments], cancellationToken);

        // Ctrl-C goes to git as well, and git may be the first to leave.
        cancellationToken.ThrowIfCancellationRequested();
        if (!done)
            throw new BaseBuildException($"git could not check out {Commit}: {output}");
    }

    private static void Copy(DirectoryInfo from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in from.EnumerateFiles())
            file.CopyTo(Path.Combine(to, file.Name));
        foreach (var folder in from.EnumerateDirectories())
            Copy(folder, Path.Combine(to, folder.Name));
    }
}

/// <summary>The revision to compare with cannot be had or cannot be built.</summary>
internal sealed class BaseBuildException(string message) : Exception(message);
