using System.Reflection;
using System.Runtime.InteropServices;

namespace Reactor.Tests;

/// <summary>What we declare of libc is there, under glibc and under musl, from the oldest that .NET 10 runs on.</summary>
[TestFixture]
public sealed class LibcSymbolsTests
{
    // .NET 10's own lower bound (release-notes/10.0/supported-os.md of dotnet/core), as is musl's, 1.2.3.
    private static readonly Version OldestGlibc = new(2, 27);

    [Test]
    public void Every_call_is_exported_by_the_libc_that_runs()
    {
        var libc = OpenLibc();

        Assert.That(DeclaredCalls().Where(call => !NativeLibrary.TryGetExport(libc, call, out _)), Is.Empty);
    }

    [Test]
    public void Every_call_is_exported_by_musl()
    {
        var name = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "aarch64" : "x86_64";
        var musl = $"/lib/ld-musl-{name}.so.1";
        if (!File.Exists(musl)) Assert.Ignore($"There is no {musl}, musl's libc: the package musl has it.");

        Assert.That(DeclaredCalls().Except(ElfFile.Exports(musl).Keys, StringComparer.Ordinal), Is.Empty);
    }

    [Test]
    public void No_call_needs_a_newer_glibc_than_the_runtime_does()
    {
        // The file has its version in its name up to 2.33.
        var glibc = MappedFiles().FirstOrDefault(static file => Path.GetFileName(file) is "libc.so.6" || file.Contains("/libc-2.", StringComparison.Ordinal));
        if (glibc is null) Assert.Ignore("The libc that runs is not glibc, and the others do not version their calls.");

        var versions = ElfFile.Exports(glibc!);
        var tooNew = DeclaredCalls()
            .Select(call => (call, since: versions[call]))
            .Where(static entry => Version.Parse(entry.since["GLIBC_".Length..]) > OldestGlibc);

        Assert.That(tooNew, Is.Empty);
    }

    // A second libc beside it would have an errno, a heap and threads of its own.
    [Test]
    public void The_library_that_our_name_finds_is_the_libc_of_the_process()
    {
        var ours = NativeLibrary.GetExport(OpenLibc(), "socket");

        Assert.That(ours, Is.EqualTo(NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "socket")));
    }

    private static nint OpenLibc() => NativeLibrary.Load("libc", typeof(Libc).Assembly, searchPath: null);

    private static List<string> DeclaredCalls()
    {
        var assembly = typeof(Libc).Assembly;
        if (assembly.GetReferencedAssemblies().Any(static name => string.Equals(name.Name, "Tmds.LibC", StringComparison.Ordinal)))
            Assert.Ignore("Built with UseTmdsLibC: the declarations are that package's, and for glibc alone.");

        var calls = assembly.GetTypes()
            .Where(static type => type != typeof(LibSystem))
            .SelectMany(static type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(static method => method.GetCustomAttribute<DllImportAttribute>()?.EntryPoint)
            .OfType<string>()
            .ToList();
        Assert.That(calls, Does.Contain("socket").And.Contain("epoll_wait"), "The declarations were not found.");
        return calls;
    }

    private static IEnumerable<string> MappedFiles() => File.ReadLines("/proc/self/maps")
        .Where(static line => line.Contains('/', StringComparison.Ordinal))
        .Select(static line => line[line.IndexOf('/', StringComparison.Ordinal)..]);
}
