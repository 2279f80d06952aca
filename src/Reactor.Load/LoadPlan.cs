using System.Net;

namespace Reactor.Load;

/// <summary>What a load does: whom it dials, how often, and what it says and expects there.</summary>
public sealed class LoadPlan
{
    /// <summary>
    /// The longest message. A reply is read only after the whole message was handed over, so a message must fit into
    /// what a connection takes without waiting for its peer: less than the send high watermark.
    /// </summary>
    public const int LongestMessage = 65_535;

    /// <summary>The end point that is dialled.</summary>
    public required EndPoint Target { get; init; }

    /// <summary>What the report calls the target; its own text when this is not set.</summary>
    public string? TargetName { get; init; }

    /// <summary>How many connections are opened, and held open together.</summary>
    public int Connections { get; init; } = 5_000;

    /// <summary>How many connects may be under way at once.</summary>
    public int InFlight { get; init; } = 512;

    /// <summary>What is sent on each connection.</summary>
    public ReadOnlyMemory<byte> Message { get; init; } = "hello\n"u8.ToArray();

    /// <summary>How often the message is sent on each connection, when no <see cref="Duration"/> is set.</summary>
    public int Repeat { get; init; } = 10;

    /// <summary>What the server is expected to answer.</summary>
    public ReplyExpectation Expect { get; init; } = ReplyExpectation.Uppercase;

    /// <summary>Until how long after the last connect was settled the messages go on, instead of <see cref="Repeat"/>.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>How many connects are started a second, evenly spread; without it, as many as fit in flight.</summary>
    public double? ConnectsPerSecond { get; init; }

    /// <summary>How long one connect may take.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a message and its reply may take. It ends a load whose server keeps silent.</summary>
    public TimeSpan ReplyTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Why the plan cannot be carried out; null when it can.</summary>
    public string? Problem => this switch
    {
        { Connections: < 1 } => "At least one connection is needed.",
        { InFlight: < 1 } => "At least one connect must be allowed in flight.",
        { Repeat: < 1 } => "A message is sent at least once.",
        { Message.Length: 0 or > LongestMessage } => $"A message has 1 to {LongestMessage} bytes.",
        { Expect: not (ReplyExpectation.Uppercase or ReplyExpectation.Echo or ReplyExpectation.None) } => "There is no such expectation.",
        { Duration.Ticks: <= 0 } => "A duration is longer than nothing.",
        { ConnectsPerSecond: { } rate } when !(rate > 0 && double.IsFinite(rate)) => "A rate is more than nothing.",
        { ConnectTimeout.Ticks: <= 0 } or { ReplyTimeout.Ticks: <= 0 } => "A timeout is longer than nothing.",
        _ => null,
    };
}
