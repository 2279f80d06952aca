using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using BenchmarkDotNet.Analysers;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Exporters.Json;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Toolchains.CsProj;
using BenchmarkDotNet.Toolchains.DotNetCli;
using Perfolizer.Horology;

namespace Reactor.Benchmarks;

/// <summary>How the benchmarks are run and shown: each in a process of its own, on one core, with what it allocates.</summary>
internal static class BenchmarkConfig
{
    // The compiler at work in the background takes its share of the one core for some hundred milliseconds.
    private const int Warmups = 10;
    private const int Iterations = 10;
    private const int IterationMs = 150;

    /// <summary>The folder of the solution that the current folder is in, or null.</summary>
    internal static string? FindRepository()
    {
        var folder = new DirectoryInfo(Environment.CurrentDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Reactor.sln"))) folder = folder.Parent;
        return folder?.FullName;
    }

    internal static IConfig Create(string repository) => ManualConfig.CreateEmpty()
        .AddJob(Short().AsDefault())
        .AddDiagnoser(new MemoryDiagnoser(new MemoryDiagnoserConfig(displayGenColumns: false)))
        .AddColumnProvider(DefaultColumnProviders.Instance)
        .HideColumns(Column.Error, Column.RatioSD, Column.AllocRatio, Column.Job, Column.Toolchain)
        .AddLogger(ConsoleLogger.Default)
        .AddExporter(MarkdownExporter.GitHub, JsonExporter.FullCompressed)
        .AddAnalyser([.. DefaultConfig.Instance.GetAnalysers().Where(static analyser => analyser is not HideColumnsAnalyser)])
        .AddValidator([.. DefaultConfig.Instance.GetValidators()])
        .WithSummaryStyle(SummaryStyle.Default.WithCultureInfo(CultureInfo.InvariantCulture))
        .WithArtifactsPath(Path.Combine(repository, "artifacts", "benchmarks"));

    // This version of BenchmarkDotNet knows .NET up to 9 by name, which a toolchain with the name written out gets around.
    private static Job Short()
    {
        var job = Job.Default
            .WithToolchain(CsProjCoreToolchain.From(new NetCoreAppSettings("net10.0", runtimeFrameworkVersion: null, ".NET 10.0")))
            .WithWarmupCount(Warmups)
            .WithIterationCount(Iterations)
            .WithIterationTime(TimeInterval.FromMilliseconds(IterationMs));
        if (FirstCore() is not { } core) return job;

        // The runtime counts cores before it is pinned. Where it has one it waits ten times as long, a second, before it optimizes
        // what is hot, and does so twice: that outlasts the warm-up.
        return job.WithAffinity(core).WithEnvironmentVariables(
            new EnvironmentVariable("DOTNET_PROCESSOR_COUNT", "1"), new EnvironmentVariable("DOTNET_TC_DelaySingleProcMultiplier", "1"));
    }

    // With everything on one core time is processor time, and nobody's spinning is hidden on the other. macOS pins nothing.
    private static nint? FirstCore()
    {
        if (!OperatingSystem.IsLinux()) return null;
        using var process = Process.GetCurrentProcess();
        return (nint)1 << BitOperations.TrailingZeroCount((nuint)process.ProcessorAffinity);
    }
}
