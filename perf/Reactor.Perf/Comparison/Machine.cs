using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Reactor.Perf.Comparison;

/// <summary>Where and from what source a result came, without which no two results can be compared.</summary>
internal sealed record Machine(string Processor, int Cores, string Kernel, string Dotnet, string? Commit, bool? IsTreeClean)
{
    /// <summary>The processor says that it runs under a hypervisor; arm64's does not say.</summary>
    public bool IsVirtual { get; init; }

    /// <summary>Of the server's core, then of the load's: the kernel's word for how it chooses a frequency, or <c>none</c>.</summary>
    public IReadOnlyList<string> Governors { get; init; } = [];

    public string? Compiler { get; init; }

    /// <summary>The versions behind the peers that took part, as <c>perf/peers/build</c> tells them.</summary>
    public IReadOnlyDictionary<string, string> Peers { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    public static async Task<Machine> DescribeAsync(Options options, CancellationToken cancellationToken)
    {
        var (commit, isClean) = await SourceAsync(options.Repository, cancellationToken);
        var processors = await File.ReadAllLinesAsync("/proc/cpuinfo", cancellationToken);
        return new(
            ProcessorModel(processors),
            processors.Count(static line => line.StartsWith("processor", StringComparison.Ordinal)),
            (await File.ReadAllTextAsync("/proc/sys/kernel/osrelease", cancellationToken)).Trim(),
            RuntimeInformation.FrameworkDescription,
            commit,
            isClean)
        {
            IsVirtual = processors.Any(static line => line.StartsWith("flags", StringComparison.Ordinal) && line.Split(' ').Contains("hypervisor", StringComparer.Ordinal)),
            Governors = [GovernorOf(options.ServerCore), GovernorOf(options.LoadCore)],
            Compiler = await CompilerAsync(cancellationToken),
            Peers = options.PeerVersions,
        };
    }

    // arm64 names no model in /proc/cpuinfo.
    private static string ProcessorModel(string[] processors) =>
        processors.FirstOrDefault(static line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line
            ? line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
            : RuntimeInformation.ProcessArchitecture.ToString();

    // A virtual machine has none: its host decides.
    private static string GovernorOf(int core)
    {
        var file = string.Create(CultureInfo.InvariantCulture, $"/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor");
        return File.Exists(file) ? File.ReadAllText(file).Trim() : "none";
    }

    private static async Task<string?> CompilerAsync(CancellationToken cancellationToken)
    {
        try
        {
            var (succeeded, output) = await Programs.RunAsync("cc", ["--version"], cancellationToken);
            return succeeded ? output.Split('\n')[0].Trim() : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    private static async Task<(string? Commit, bool? IsClean)> SourceAsync(string? repository, CancellationToken cancellationToken)
    {
        if (repository is null)
            return (null, null);
        try
        {
            var head = await Programs.RunAsync("git", ["-C", repository, "rev-parse", "--verify", "--quiet", "HEAD"], cancellationToken);
            var status = await Programs.RunAsync("git", ["-C", repository, "status", "--porcelain"], cancellationToken);
            return (head.Succeeded ? head.Output : null, status.Succeeded ? status.Output.Length == 0 : null);
        }
        catch (Win32Exception)
        {
            return (null, null); // no git: a tree unpacked from an archive can be measured as well
        }
    }
}
