using System.Globalization;
using System.Text.Json;

namespace Reactor.Perf.Comparison;

/// <summary>Connections that have exchanged one message and are idle from then on, held by a process on the load's core.</summary>
internal sealed class IdleLoad : IAsyncDisposable
{
    private const int MessageBytes = 64;
    private const int WarmupConnections = 500;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(45);

    private readonly PinnedProcess _process;

    private IdleLoad(PinnedProcess process) => _process = process;

    /// <summary>Opens and closes some, so that the server's code is compiled and its pools are filled.</summary>
    public static async Task WarmUpAsync(ServerProcess server, Options options, CancellationToken cancellationToken)
    {
        await using var connections = await OpenAsync(server, options, [Text(WarmupConnections), Text(MessageBytes), "--close"], cancellationToken);
    }

    public static Task<IdleLoad> OpenAsync(ServerProcess server, int connections, Options options, CancellationToken cancellationToken) =>
        OpenAsync(server, options, [Text(connections), Text(MessageBytes)], cancellationToken);

    /// <summary>Lets each connection exchange one message more: the server still had all of them.</summary>
    public async Task VerifyAsync(CancellationToken cancellationToken)
    {
        await _process.WriteLineAsync();
        await ReadAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static async Task<IdleLoad> OpenAsync(
        ServerProcess server, Options options, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var load = new IdleLoad(PinnedProcess.Start(
            "the idle load", options.LoadCore, [Programs.IdleLoad, "127.0.0.1", Text(server.Port), .. arguments]));
        try
        {
            await load.ReadAsync(cancellationToken);
            return load;
        }
        catch
        {
            await load.DisposeAsync();
            throw;
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var line = await _process.ReadLineAsync(Limit, cancellationToken);
        var result = JsonSerializer.Deserialize<Result>(line, Report.Json) ?? throw new PeerException($"the idle load said '{line}'");
        if (result is not { Wrong: 0, Lost: 0 })
            throw new PeerException($"of {Text(result.Connections)} connections {Text(result.Wrong)} had a wrong reply, {Text(result.Lost)} were lost");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private sealed record Result
    {
        public required int Connections { get; init; }

        public required int Wrong { get; init; }

        public required int Lost { get; init; }
    }
}
