using System.Diagnostics;

namespace Reactor.Tests;

/// <summary>A C compiler of this machine, with the arguments that every file is compiled with.</summary>
internal sealed class CCompiler
{
    private readonly string _program;
    private readonly string[] _arguments;

    private CCompiler(string program, string[] arguments)
    {
        _program = program;
        _arguments = arguments;
    }

    /// <summary>The program of this name on the PATH, or null.</summary>
    public static CCompiler? Find(string program, params string[] arguments)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var found = folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
        return found is null ? null : new CCompiler(found, arguments);
    }

    /// <summary>The program of this name, or the end of the test as skipped.</summary>
    public static CCompiler Need(string program, params string[] arguments)
    {
        if (Find(program, arguments) is { } found) return found;
        Assert.Ignore($"There is no {program} on the PATH.");
        throw new UnreachableException();
    }

    /// <summary>What the compiler says of a source, given on its standard input: nothing when all is well.</summary>
    public async Task<string> ComplaintsOf(string source)
    {
        var (status, _, errors) = await Run(source, "-fsyntax-only", "-x", "c", "-");
        return status == 0 ? "" : errors;
    }

    /// <summary>Whether it can make code at all: one that knows a target by name may have been built without it.</summary>
    public async Task<bool> MakesCode() => (await Run("", "-S", "-o", "-", "-x", "c", "-")).Status == 0;

    /// <summary>The assembly of a source.</summary>
    public async Task<string> AssemblyOf(string source)
    {
        var (status, output, errors) = await Run(source, "-S", "-o", "-", "-x", "c", "-");
        Assert.That(status, Is.Zero, errors);
        return output;
    }

    /// <summary>Compiles a file.</summary>
    public async Task Make(string file, params string[] arguments)
    {
        var (status, _, errors) = await Run("", [.. arguments, "-o", file]);
        Assert.That(status, Is.Zero, errors);
    }

    private async Task<(int Status, string Output, string Errors)> Run(string input, params string[] arguments)
    {
        using var compiler = Process.Start(new ProcessStartInfo(_program, [.. _arguments, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        var output = compiler.StandardOutput.ReadToEndAsync();
        var errors = compiler.StandardError.ReadToEndAsync();
        await compiler.StandardInput.WriteAsync(input);
        compiler.StandardInput.Close();
        await compiler.WaitForExitAsync();
        return (compiler.ExitCode, await output, await errors);
    }
}
