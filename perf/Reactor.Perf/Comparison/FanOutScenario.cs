using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>
/// One connection sends a message, the server sends it to all of them, and when all have it the next is sent. Written as
/// <c>fanout1000</c>, with the number of connections.
/// </summary>
internal sealed record FanOutScenario(int Connections) : ServedScenario
{
    private const string Prefix = "fanout";
    private const int MessageBytes = 64;

    public override string Name => Prefix + Text(Connections);

    public override string Title => string.Create(
        CultureInfo.InvariantCulture,
        $"fan-out: a {Unit} of {MessageBytes} B from one connection to {Connections:N0}, the next when all have it");

    public override string Unit => "message";

    public override Role Role => Role.FanOut;

    /// <summary>While few receive, the server waits for most of the time for the next message.</summary>
    public override bool SaturatesServer => Connections >= 64;

    protected override string LoadProgram => Programs.FanOutLoad;

    public static new Scenario? Parse(string text) => NumberAfter(Prefix, text) is { } connections and > 0 ? new FanOutScenario(connections) : null;

    protected override IEnumerable<string> LoadArguments(ServerProcess server, Options options) =>
        CommonArguments(server, Connections, MessageBytes, options);
}
