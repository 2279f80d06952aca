using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>
/// Connect, ten requests, close, and so on, so many connections at a time. Written as <c>churn512</c>.
/// </summary>
internal sealed record ChurnScenario(int Connections) : ServedScenario
{
    private const string Prefix = "churn";
    private const int MessageBytes = 64;
    private const int RequestsEach = 10;

    public override string Name => Prefix + Text(Connections);

    public override string Title => string.Create(
        CultureInfo.InvariantCulture,
        $"churn: connect, {RequestsEach} requests of {MessageBytes} B, close: a {Unit}, {Connections:N0} of them at a time");

    public override string Unit => "conversation";

    public override Role Role => Role.Echo;

    public override string Group => Prefix;

    /// <summary>
    /// The kernel works off a handshake, also the server's half of it, on the core of who dials: a conversation costs the load
    /// about as much as a good server, which then waits now and then however many there are.
    /// </summary>
    public override bool SaturatesServer => false;

    protected override string LoadProgram => Programs.ChurnLoad;

    public static new Scenario? Parse(string text) => NumberAfter(Prefix, text) is { } connections and > 0 ? new ChurnScenario(connections) : null;

    protected override IEnumerable<string> LoadArguments(ServerProcess server, Options options) =>
        [.. CommonArguments(server, Connections, MessageBytes, options), "--requests", Text(RequestsEach)];
}
