using System.Diagnostics;

namespace Reactor.Tests.Fixtures;

/// <summary>An example of the repository, which the test project's build has built, too.</summary>
internal static class BuiltExample
{
    /// <summary>Starts one, its output and its errors redirected.</summary>
    public static Process Start(string name, params string[] args)
    {
        // All are built into bin/<project>/<configuration>.
        var mine = new DirectoryInfo(AppContext.BaseDirectory);
        var example = Path.Combine(mine.Parent!.Parent!.FullName, name, mine.Name, $"{name}.dll");
        Assert.That(example, Does.Exist, "The test project refers to it, and so builds it.");

        return Process.Start(new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [example, .. args])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
    }
}
