using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>A server that said it is ready.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    private readonly Contestant _contestant;
    private readonly PinnedProcess _process;

    private ServerProcess(Contestant contestant, PinnedProcess process) => (_contestant, _process) = (contestant, process);

    public int Id => _process.Id;

    public int Port { get; private set; }

    public static async Task<ServerProcess> StartAsync(
        Contestant contestant, IEnumerable<string> arguments, int core, CancellationToken cancellationToken)
    {
        var process = PinnedProcess.Start(contestant.Name, core, [.. contestant.Command, .. arguments], contestant.Environment);
        var server = new ServerProcess(contestant, process);
        try
        {
            var line = await process.ReadLineAsync(StartLimit, cancellationToken);
            server.Port = line.Split(' ') is ["ready", var port, _]
                ? int.Parse(port, CultureInfo.InvariantCulture)
                : throw new PeerException($"{contestant.Name} said '{line}' in place of being ready");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>All that it has allocated on the managed heap since it started; nothing for a server that has none.</summary>
    public Task<long?> AllocatedBytesAsync(CancellationToken cancellationToken) => AskAsync("", cancellationToken);

    /// <summary>
    /// All that is alive on the managed heap, after a collection that leaves nothing else resident; nothing for a server that
    /// has none.
    /// </summary>
    public Task<long?> LiveBytesAsync(CancellationToken cancellationToken) => AskAsync("live", cancellationToken);

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private async Task<long?> AskAsync(string question, CancellationToken cancellationToken)
    {
        if (!_contestant.IsManaged)
            return null;
        await _process.WriteLineAsync(question);
        return long.Parse(await _process.ReadLineAsync(AnswerLimit, cancellationToken), CultureInfo.InvariantCulture);
    }
}
