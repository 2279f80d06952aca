using System.Text.Json;

namespace Reactor.Perf.Comparison;

/// <summary>A contestant that serves, and a load on the other core that measures it.</summary>
internal abstract record ServedScenario : Scenario
{
    /// <summary>Long enough that the server's own turns, a timer's now and then, count for nothing beside the requests.</summary>
    private const double CountedSeconds = 0.3;

    /// <summary>What the window left under way is answered in this time, or at its end is waited for.</summary>
    private const double SettlingSeconds = 0.01;

    // A process has 20,000 descriptors, and some of them are for other things.
    private const int MostConnections = 19_000;

    /// <summary>What the server is told beside its own command.</summary>
    protected virtual IEnumerable<string> ServerArguments => [];

    /// <summary>The same with twice as many connections; nothing where that cannot be.</summary>
    protected virtual ServedScenario? WithTwiceTheLoad => null;

    protected virtual string LoadProgram => Programs.EchoLoad;

    /// <summary>Of the load, with which it warms the server up, measures it and prints a <see cref="LoadResult"/>.</summary>
    protected abstract IEnumerable<string> LoadArguments(ServerProcess server, Options options);

    public sealed override async Task<Cell> MeasureAsync(
        Cell cell, Contestant contestant, Options options, CancellationToken cancellationToken)
    {
        cell = await MeasureOnceAsync(cell, contestant, options, cancellationToken);
        if (!cell.MayTakeMoreLoad(this) || WithTwiceTheLoad is not { } twice)
            return cell;
        try
        {
            var uncounted = options with { SyscallCounter = null };
            var more = await twice.MeasureOnceAsync(new(cell.Round, twice.Name, cell.Server), contestant, uncounted, cancellationToken);
            return more.IsDisturbed
                ? cell with { Rejection = $"it could not be tried with twice the connections: {more.Rejection}" }
                : (cell with { RequestsPerSecondAtTwiceTheLoad = more.RequestsPerSecond }).Judge(this);
        }
        catch (PeerException)
        {
            return cell; // a server that fails at another load than it was asked for has done nothing wrong here
        }
    }

    /// <summary>Whether the load and the server can have twice as many, each taking so many descriptors.</summary>
    protected static bool CanDouble(int connections, int descriptorsEach = 1) => 2 * connections * descriptorsEach <= MostConnections;

    /// <summary>Those that every load has, <c>peers/load.h</c>.</summary>
    protected static IEnumerable<string> CommonArguments(ServerProcess server, int connections, int messageBytes, Options options) =>
    [
        "127.0.0.1", Text(server.Port), Text(connections), Text(messageBytes), Text(options.Seconds), Text(options.WarmupSeconds),
        "--announce", "--server-pid", Text(server.Id),
    ];

    private async Task<Cell> MeasureOnceAsync(Cell cell, Contestant contestant, Options options, CancellationToken cancellationToken)
    {
        await using var server = await ServerProcess.StartAsync(contestant, ServerArguments, options.ServerCore, cancellationToken);
        await using var load = LoadProcess.Start(LoadProgram, LoadArguments(server, options), options);
        await load.WindowBeginsAsync(cancellationToken);
        var serverCore = CoreClock.BusySeconds(options.ServerCore);
        var loadCore = CoreClock.BusySeconds(options.LoadCore);
        var allocated = await server.AllocatedBytesAsync(cancellationToken);
        var measured = await load.ResultAsync(cancellationToken);
        serverCore = CoreClock.BusySeconds(options.ServerCore) - serverCore;
        loadCore = CoreClock.BusySeconds(options.LoadCore) - loadCore;
        allocated = await server.AllocatedBytesAsync(cancellationToken) - allocated;
        var processes = ProcessTree.Of(server.Id);
        cell = cell with
        {
            Load = measured,
            AllocatedBytes = allocated,
            OthersOnServerCore = Math.Max(0, serverCore - measured.ServerCpuSeconds) / measured.Seconds,
            OthersOnLoadCore = Math.Max(0, loadCore - measured.LoadCpuSeconds) / measured.Seconds,
            IsPortShared = Listeners.HasStranger(server.Port, processes),
        };
        cell = cell.Judge(this);
        return cell.IsGood && options.SyscallCounter is { } counter
            ? cell with { SyscallsPerRequest = await SyscallsPerRequestAsync(counter, processes, load, cancellationToken) }
            : cell;
    }

    // What goes wrong here leaves the figure out: the cell has been measured.
    private static async Task<double?> SyscallsPerRequestAsync(
        SyscallCounter counter, IReadOnlyList<int> processes, LoadProcess load, CancellationToken cancellationToken)
    {
        var requests = 0L;
        try
        {
            await load.ConverseAsync(SettlingSeconds, cancellationToken);
            var calls = await counter.CountAsync(processes, ConverseAsync, cancellationToken);
            return requests > 0 ? (double?)calls / requests : null;
        }
        catch (Exception e) when (e is PeerException or IOException or JsonException or KeyNotFoundException)
        {
            return null;
        }

        async Task ConverseAsync() => requests = await load.ConverseAsync(CountedSeconds, cancellationToken);
    }
}
