using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>
/// How many connections, each with this many messages of this size in flight. Written as <c>64x16384</c> with one
/// message in flight and as <c>64x64p16</c> with sixteen.
/// </summary>
internal sealed record EchoScenario(int Connections, int MessageBytes, int Depth = 1) : ServedScenario
{
    public override string Name => Text(Connections) + "x" + Text(MessageBytes) + (Depth == 1 ? "" : "p" + Text(Depth));

    public override Role Role => Role.Echo;

    /// <summary>A single connection leaves every server idle for most of a round trip: its share of the core says nothing.</summary>
    public override bool SaturatesServer => Connections > 1;

    /// <summary>More of the same load and not another one: deeper, a request would cost both sides less.</summary>
    protected override ServedScenario? WithTwiceTheLoad => CanDouble(Connections) ? this with { Connections = 2 * Connections } : null;

    public override string Title
    {
        get
        {
            var connections = Connections == 1 ? "1 connection" : string.Create(CultureInfo.InvariantCulture, $"{Connections:N0} connections");
            var pipelined = Depth == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $", pipelined {Depth} deep");
            return MessageBytes % 1_024 == 0
                ? string.Create(CultureInfo.InvariantCulture, $"{connections} of {MessageBytes / 1_024} KiB{pipelined}")
                : string.Create(CultureInfo.InvariantCulture, $"{connections} of {MessageBytes} B{pipelined}");
        }
    }

    public static new Scenario? Parse(string text)
    {
        if (text.Split('x') is not [var connections, var messages])
            return null;
        var (bytes, depth) = messages.IndexOf('p', StringComparison.Ordinal) is var end and >= 0
            ? (messages[..end], messages[(end + 1)..])
            : (messages, "1");
        return IsCount(connections, out var c) && IsCount(bytes, out var b) && IsCount(depth, out var d) ? new EchoScenario(c, b, d) : null;
    }

    protected override IEnumerable<string> LoadArguments(ServerProcess server, Options options) =>
        [.. CommonArguments(server, Connections, MessageBytes, options), "--depth", Text(Depth)];
}
