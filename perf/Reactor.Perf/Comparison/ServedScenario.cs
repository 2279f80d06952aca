using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>A contestant that serves, and a load on the other core that measures it.</summary>
internal abstract record ServedScenario : Scenario
{
    /// <summary>What the server is told beside its own command.</summary>
    protected virtual IEnumerable<string> ServerArguments => [];

    /// <summary>Of <c>peers/echo-load</c>, with which it warms the server up, measures it and prints a <see cref="LoadResult"/>.</summary>
    protected abstract IEnumerable<string> LoadArguments(ServerProcess server, Options options);

    public sealed override async Task<Cell> MeasureAsync(
        Cell cell, Contestant contestant, Options options, CancellationToken cancellationToken)
    {
        await using var server = await ServerProcess.StartAsync(contestant, ServerArguments, options.ServerCore, cancellationToken);
        await using var load = LoadProcess.Start(LoadArguments(server, options), options);
        await load.WindowBeginsAsync(cancellationToken);
        var serverCore = CoreClock.BusySeconds(options.ServerCore);
        var loadCore = CoreClock.BusySeconds(options.LoadCore);
        var allocated = await server.AllocatedBytesAsync(cancellationToken);
        var measured = await load.ResultAsync(cancellationToken);
        serverCore = CoreClock.BusySeconds(options.ServerCore) - serverCore;
        loadCore = CoreClock.BusySeconds(options.LoadCore) - loadCore;
        cell = cell with
        {
            Load = measured,
            AllocatedBytes = await server.AllocatedBytesAsync(cancellationToken) - allocated,
            OthersOnServerCore = Math.Max(0, serverCore - measured.ServerCpuSeconds) / measured.Seconds,
            OthersOnLoadCore = Math.Max(0, loadCore - measured.LoadCpuSeconds) / measured.Seconds,
        };
        return cell.Judge(this);
    }

    protected static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
}
