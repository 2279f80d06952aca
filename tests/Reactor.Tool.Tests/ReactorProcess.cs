using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Reactor.Tool.Tests;

/// <summary>The command as a process of its own, as people run it.</summary>
internal sealed partial class ReactorProcess : IDisposable
{
    public const int SIGINT = 2;
    public const int SIGTERM = 15;

    private readonly Process _process;

    private ReactorProcess(Process process) => _process = process;

    public StreamReader Output => _process.StandardOutput;

    public StreamReader Error => _process.StandardError;

    /// <summary>Starts the command; the caller reads what it prints.</summary>
    public static ReactorProcess Start(params string[] args) => Start(DotNet, [ToolPath, .. args]);

    /// <summary>Runs the command to its end.</summary>
    public static async Task<ReactorResult> RunAsync(CancellationToken deadline, params string[] args)
    {
        using var process = Start(args);
        return await process.EndAsync(deadline);
    }

    /// <summary>Runs the command to its end with so many descriptors at most.</summary>
    public static async Task<ReactorResult> RunWithDescriptorsAsync(int descriptors, string[] args, CancellationToken deadline)
    {
        using var process = Start("/bin/sh", ["-c", $"ulimit -n {descriptors}; exec \"$0\" \"$@\"", DotNet, ToolPath, .. args]);
        return await process.EndAsync(deadline);
    }

    public void Signal(int signal) => Assert.That(kill(_process.Id, signal), Is.Zero, "kill");

    /// <summary>Waits for the end and gives all that was printed and not yet read.</summary>
    public async Task<ReactorResult> EndAsync(CancellationToken deadline)
    {
        var (output, error) = (Output.ReadToEndAsync(deadline), Error.ReadToEndAsync(deadline));
        await _process.WaitForExitAsync(deadline);
        return new ReactorResult(_process.ExitCode, await output, await error);
    }

    /// <summary>Reads on until a line has these words in it.</summary>
    public static async Task<string> ReadLineWithAsync(StreamReader reader, string words, CancellationToken deadline)
    {
        while (await reader.ReadLineAsync(deadline) is { } line)
        {
            if (line.Contains(words, StringComparison.Ordinal))
                return line;
        }
        throw new AssertionException($"The process has ended without saying '{words}'.");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private static string DotNet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    private static string ToolPath => Path.Combine(AppContext.BaseDirectory, "Reactor.Tool.dll");

    private static ReactorProcess Start(string file, string[] args) => new(Process.Start(new ProcessStartInfo(file, args)
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        RedirectStandardInput = true,
        UseShellExecute = false,
    })!);

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);
}

/// <summary>What the command left behind.</summary>
internal sealed record ReactorResult(int ExitCode, string Output, string Error);
