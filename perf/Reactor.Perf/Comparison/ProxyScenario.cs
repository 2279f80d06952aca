namespace Reactor.Perf.Comparison;

/// <summary>
/// So many connections through a proxy, each with one message of this size in flight: the load is both its clients and its
/// upstream, which echoes. Written as <c>proxy64x16384</c>.
/// </summary>
internal sealed record ProxyScenario(int Connections, int MessageBytes) : ServedScenario
{
    private const string Prefix = "proxy";

    public override string Name => Prefix + Echo.Name;

    public override string Title => "a proxy, " + Echo.Title;

    public override Role Role => Role.Proxy;

    public override string Yardstick => "haproxy";

    public override bool SaturatesServer => Connections > 1;

    private EchoScenario Echo => new(Connections, MessageBytes);

    // The proxy has both ends of each, and so has the load.
    protected override ServedScenario? WithTwiceTheLoad => CanDouble(Connections, descriptorsEach: 2) ? this with { Connections = 2 * Connections } : null;

    protected override IEnumerable<string> ServerArguments => ["--upstream", Text(UpstreamPort.Number)];

    public static new Scenario? Parse(string text) =>
        text.StartsWith(Prefix, StringComparison.Ordinal) && EchoScenario.Parse(text[Prefix.Length..]) is EchoScenario { Depth: 1 } echo
            ? new ProxyScenario(echo.Connections, echo.MessageBytes)
            : null;

    protected override IEnumerable<string> LoadArguments(ServerProcess server, Options options) =>
        [.. CommonArguments(server, Connections, MessageBytes, options), "--backend", Text(UpstreamPort.Number)];
}
