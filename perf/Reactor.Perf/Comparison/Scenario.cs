using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>How many connections, each with one message of this size in flight. Written as <c>64x16384</c>.</summary>
internal sealed record Scenario(int Connections, int MessageBytes)
{
    public static IReadOnlyList<Scenario> Default { get; } = [new(1, 64), new(64, 64), new(1_000, 64), new(64, 16 * 1_024)];

    /// <summary>A single connection leaves every server idle for most of a round trip: its share of the core says nothing.</summary>
    public bool SaturatesServer => Connections > 1;

    public string Title
    {
        get
        {
            var connections = Connections == 1 ? "1 connection" : string.Create(CultureInfo.InvariantCulture, $"{Connections:N0} connections");
            return MessageBytes % 1_024 == 0
                ? string.Create(CultureInfo.InvariantCulture, $"{connections} of {MessageBytes / 1_024} KiB")
                : string.Create(CultureInfo.InvariantCulture, $"{connections} of {MessageBytes} B");
        }
    }

    public static Scenario? Parse(string text) =>
        text.Split('x') is [var connections, var bytes] && IsCount(connections, out var c) && IsCount(bytes, out var b) ? new(c, b) : null;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Connections}x{MessageBytes}");

    private static bool IsCount(string text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value > 0;
}
