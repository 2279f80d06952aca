using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>
/// An echo of 64 connections whose every request starts the connection's idle timer anew, with many more timers pending in
/// the same loop, none of which is due. Written as <c>timers1000000</c>; what the pending ones cost is the difference to
/// <c>timers0</c>.
/// </summary>
internal sealed record TimersScenario(int Pending) : ServedScenario
{
    private const string Prefix = "timers";
    private const int MessageBytes = 64;

    public override string Name => Prefix + Text(Pending);

    public override string Title => string.Create(
        CultureInfo.InvariantCulture, $"{Connections} connections of {MessageBytes} B, each request restarts a timer, {Pending:N0} more pending");

    public override Role Role => Role.Timers;

    public override string Yardstick => "uv";

    public override bool SaturatesServer => true;

    private int Connections { get; init; } = 64;

    protected override ServedScenario? WithTwiceTheLoad => this with { Connections = 2 * Connections };

    protected override IEnumerable<string> ServerArguments => ["--timers", Text(Pending)];

    public static new Scenario? Parse(string text) => NumberAfter(Prefix, text) is { } pending ? new TimersScenario(pending) : null;

    protected override IEnumerable<string> LoadArguments(ServerProcess server, Options options) =>
        CommonArguments(server, Connections, MessageBytes, options);
}
