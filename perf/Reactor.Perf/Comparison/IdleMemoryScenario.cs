using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>
/// The memory of an established connection that is idle: what the server's grows by while many are opened, over their
/// number. And the processor time of the server that has all of them. Written as <c>idle9000</c>.
/// </summary>
internal sealed record IdleMemoryScenario(int Connections) : Scenario
{
    private const string Prefix = "idle";

    public override string Name => Prefix + Text(Connections);

    public override string Title => string.Create(CultureInfo.InvariantCulture, $"{Connections:N0} idle connections: what each takes of the server's memory");

    public override Role Role => Role.Echo;

    // The server by hand in C keeps nothing of an idle connection outside the kernel, and nothing can be divided by that.
    public override string Yardstick => "uv";

    public override string Unit => "connection";

    public override string Group => Prefix;

    public override Figure Figure { get; } = new("resident memory a connection", "bytes/connection") { Of = static cell => cell.ResidentBytesPerConnection };

    public override bool SaturatesServer => false;

    public static new Scenario? Parse(string text) => NumberAfter(Prefix, text) is { } connections and > 0 ? new IdleMemoryScenario(connections) : null;

    public override async Task<Cell> MeasureAsync(Cell cell, Contestant contestant, Options options, CancellationToken cancellationToken)
    {
        await using var server = await ServerProcess.StartAsync(contestant, [], options.ServerCore, cancellationToken);
        await IdleLoad.WarmUpAsync(server, options, cancellationToken);
        var before = await MemoryAsync(server, cancellationToken);
        await using var load = await IdleLoad.OpenAsync(server, Connections, options, cancellationToken);
        var after = await MemoryAsync(server, cancellationToken);
        cell = await IdleProcessor.MeasureAsync(cell, server, options, cancellationToken);
        await load.VerifyAsync(cancellationToken);
        cell = cell with
        {
            ResidentBytesPerConnection = (double)(after.Resident - before.Resident) / Connections,
            LiveBytesPerConnection = (double?)(after.Live - before.Live) / Connections,
        };
        return cell.Judge(this);
    }

    // In this order: what is resident is read after the collection.
    private static async Task<(long? Live, long Resident)> MemoryAsync(ServerProcess server, CancellationToken cancellationToken)
    {
        await IdleProcessor.SettleAsync(server, cancellationToken);
        var live = await server.LiveBytesAsync(cancellationToken);
        return (live, ResidentMemory.Bytes(server.Id));
    }
}
