using System.Diagnostics;
using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>The programs that a comparison runs: where they are, and those in C made from their sources.</summary>
internal static class Programs
{
    private static readonly string Peers = Path.Combine(AppContext.BaseDirectory, "peers");

    public static string EpollEcho { get; } = Path.Combine(Peers, "epoll-echo");

    public static string EpollFanOut { get; } = Path.Combine(Peers, "epoll-fanout");

    public static string EpollProxy { get; } = Path.Combine(Peers, "epoll-proxy");

    public static string EpollStorm { get; } = Path.Combine(Peers, "epoll-storm");

    public static string EchoLoad { get; } = Path.Combine(Peers, "echo-load");

    public static string ChurnLoad { get; } = Path.Combine(Peers, "churn-load");

    public static string FanOutLoad { get; } = Path.Combine(Peers, "fanout-load");

    public static string IdleLoad { get; } = Path.Combine(Peers, "idle-load");

    public static string StormSink { get; } = Path.Combine(Peers, "storm-sink");

    private static string[] InC { get; } = [EpollEcho, EpollFanOut, EpollProxy, EpollStorm, EchoLoad, ChurnLoad, FanOutLoad, IdleLoad, StormSink];

    /// <summary>This program, as it was started: by <c>dotnet</c> or by its own executable.</summary>
    public static IReadOnlyList<string> Self { get; } = Path.GetFileName(Environment.ProcessPath!) is "dotnet"
        ? [Environment.ProcessPath!, typeof(Programs).Assembly.Location]
        : [Environment.ProcessPath!];

    /// <summary>Says in one line what is missing, or nothing when the comparison can begin.</summary>
    public static async Task<string?> PrepareAsync(Options options, CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
            return "perf/run needs Linux: the yardstick is an epoll server";
        foreach (var tool in (string[])["cc", "taskset"])
        {
            if (!IsOnPath(tool))
                return $"perf/run needs {tool} ({(string.Equals(tool, "cc", StringComparison.Ordinal) ? "a C compiler" : "from util-linux")})";
        }

        foreach (var core in (int[])[options.ServerCore, options.LoadCore])
        {
            var (pinned, _) = await RunAsync("taskset", ["-c", Text(core), "true"], cancellationToken);
            if (!pinned)
                return $"perf/run needs processor core {Text(core)}: choose others with --server-core and --load-core";
        }

        foreach (var program in InC)
        {
            var (compiled, output) = await RunAsync("cc", ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-o", program, program + ".c"], cancellationToken);
            if (!compiled)
                return $"cc failed on {Path.GetFileName(program)}.c: {output}";
        }

        return null;
    }

    /// <summary>Runs a short program to its end; its two outputs come back as one text.</summary>
    public static async Task<(bool Succeeded, string Output)> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode == 0, (await output + await error).Trim());
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private static bool IsOnPath(string tool) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, tool)));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
