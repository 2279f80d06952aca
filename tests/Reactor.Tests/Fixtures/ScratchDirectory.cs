namespace Reactor.Tests.Fixtures;

/// <summary>A directory of the test's own, with a short path: a Unix socket's path has room for 108 bytes.</summary>
internal sealed class ScratchDirectory : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("reactor-");

    public string File(string name) => Path.Combine(_directory.FullName, name);

    public void Dispose() => _directory.Delete(recursive: true);
}
