using System.Runtime.CompilerServices;

namespace Reactor.Tests;

/// <summary>The repository that this test project was compiled in.</summary>
internal static class SourceTree
{
    public static string Root { get; } = FindRoot();

    public static IEnumerable<string> CSharpFilesIn(params string[] folders) => folders
        .Select(static folder => Path.Combine(Root, folder))
        .Where(Directory.Exists)
        .SelectMany(static folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
        .Where(static file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    public static string Relative(string file) => Path.GetRelativePath(Root, file);

    public static string HereOf([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(HereOf());
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "global.json")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("The tests do not run beside their sources.");
    }
}
