using System.Runtime.InteropServices;

namespace Reactor.Perf.Comparison;

/// <summary>Where and from what source a result came, without which no two results can be compared.</summary>
internal sealed record Machine(string Processor, int Cores, string Kernel, string Dotnet, string? Commit, bool? IsTreeClean)
{
    public static async Task<Machine> DescribeAsync(string? repository, CancellationToken cancellationToken)
    {
        var (commit, isClean) = await SourceAsync(repository, cancellationToken);
        return new(
            ProcessorModel(),
            File.ReadLines("/proc/cpuinfo").Count(line => line.StartsWith("processor", StringComparison.Ordinal)),
            (await File.ReadAllTextAsync("/proc/sys/kernel/osrelease", cancellationToken)).Trim(),
            RuntimeInformation.FrameworkDescription,
            commit,
            isClean);
    }

    // arm64 names no model in /proc/cpuinfo.
    private static string ProcessorModel() =>
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line
            ? line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
            : RuntimeInformation.ProcessArchitecture.ToString();

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
        catch (System.ComponentModel.Win32Exception)
        {
            return (null, null); // no git: a tree unpacked from an archive can be measured as well
        }
    }
}
