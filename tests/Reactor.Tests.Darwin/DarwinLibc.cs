using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>
/// Has the kernel of macOS run here, on Linux: what it calls in libc is in a library that speaks macOS, compiled from the C
/// files of this folder.
/// </summary>
[SetUpFixture]
public sealed class DarwinLibc
{
    private static nint _library;

    [OneTimeSetUp]
    public static async Task Compile_and_load()
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("The kernel of macOS is run on Linux here.");

        using var directory = new ScratchDirectory();
        var file = directory.File("darwin-libc.so");
        string[] sources = [.. Directory.EnumerateFiles(AppContext.BaseDirectory, "darwin-*.c")];
        await CCompiler.Need("cc").Make(file, ["-shared", "-fPIC", "-O1", "-Wl,-Bsymbolic", .. sources, "-ldl"]);
        _library = NativeLibrary.Load(file);

        // The first has libkqueue open descriptors that it keeps for as long as there is one.
        if (KqueueLibrary.Path is not null) Assert.That(LibSystem.kqueue(), Is.GreaterThanOrEqualTo(0), $"REACTOR_KQUEUE_LIBRARY: {KqueueLibrary.Path} is no libkqueue, or its full path is another.");
    }

    // Before any test asks for the system's kernel.
    [ModuleInitializer]
    internal static void Take_the_place_of_the_system()
    {
        NativeLibrary.SetDllImportResolver(typeof(Kernel).Assembly, static (name, _, _) => name.Equals("libc", StringComparison.Ordinal) ? _library : 0);
        Kernel.UseAsSystem(new DarwinKernel());
    }
}
