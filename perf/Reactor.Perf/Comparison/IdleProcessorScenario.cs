namespace Reactor.Perf.Comparison;

/// <summary>The processor time of a server that has served and has no connection any more. Written as <c>idle0</c>.</summary>
internal sealed record IdleProcessorScenario : Scenario
{
    /// <summary>Of processor time, in its column wherever it is measured.</summary>
    public const string CpuUnit = "CPU ms/s";

    public override string Name => "idle0";

    public override string Title => "an idle server: its processor time a second";

    public override Role Role => Role.Echo;

    public override string Group => "idle";

    public override Figure Figure { get; } = new("processor time a second", CpuUnit) { Of = static cell => cell.IdleCpuMsPerSecond };

    public override bool SaturatesServer => false;

    public static new Scenario? Parse(string text) => text is "idle0" ? new IdleProcessorScenario() : null;

    public override async Task<Cell> MeasureAsync(Cell cell, Contestant contestant, Options options, CancellationToken cancellationToken)
    {
        await using var server = await ServerProcess.StartAsync(contestant, [], options.ServerCore, cancellationToken);
        await IdleLoad.WarmUpAsync(server, options, cancellationToken);
        cell = await IdleProcessor.MeasureAsync(cell, server, options, cancellationToken);
        return cell.Judge(this);
    }
}
