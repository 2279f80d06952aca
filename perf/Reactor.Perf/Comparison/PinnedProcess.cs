using System.Diagnostics;
using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>A process on one core, spoken with in lines. Every wait for it is bounded, and it never outlives its owner.</summary>
internal sealed class PinnedProcess : IAsyncDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    private readonly string _name;
    private readonly Process _process;

    private PinnedProcess(string name, Process process) => (_name, _process) = (name, process);

    // taskset replaces itself by the program, so this is the program's own id.
    public int Id => _process.Id;

    public static PinnedProcess Start(
        string name, int core, IEnumerable<string> command, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("taskset", ["-c", core.ToString(CultureInfo.InvariantCulture), .. command])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };

        // What the caller's shell sets for the runtime, DOTNET_TieredPGO for one, must not tune the servers by chance.
        foreach (var variable in start.Environment.Keys.Where(IsRuntimeSetting).ToList())
            start.Environment.Remove(variable);
        foreach (var (variable, value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
            start.Environment[variable] = value;
        return new(name, Process.Start(start)!);
    }

    public Task WriteLineAsync(string line = "") => _process.StandardInput.WriteLineAsync(line);

    public async Task<string> ReadLineAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bounded.CancelAfter(limit);
        try
        {
            return await _process.StandardOutput.ReadLineAsync(bounded.Token) ?? throw new PeerException($"{_name} ended too early");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new PeerException($"{_name} said nothing for {limit.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s");
        }
    }

    public void Kill() => _process.Kill();

    /// <summary>The end of its standard input asks it to leave; what does not is killed.</summary>
    public async ValueTask DisposeAsync()
    {
        using var process = _process;
        using var grace = new CancellationTokenSource(Grace);
        process.StandardInput.Close();
        try
        {
            await process.WaitForExitAsync(grace.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
        }
    }

    private static bool IsRuntimeSetting(string variable) =>
        variable.StartsWith("DOTNET_", StringComparison.Ordinal) && !variable.StartsWith("DOTNET_ROOT", StringComparison.Ordinal);
}

/// <summary>A server or the load did not do what a measurement needs: the cell has no result.</summary>
internal sealed class PeerException(string message) : Exception(message);
