namespace Reactor.Load;

/// <summary>What a load found out, in numbers.</summary>
public sealed record LoadReport
{
    /// <summary>What was dialled.</summary>
    public required string Target { get; init; }

    /// <summary>How many connections were asked for.</summary>
    public required int Connections { get; init; }

    /// <summary>How many connects could be under way at once.</summary>
    public required int InFlight { get; init; }

    /// <summary>The message's length in bytes.</summary>
    public required int MessageBytes { get; init; }

    /// <summary>How often the message was to be sent on each connection; null when a duration was set instead.</summary>
    public int? Repeat { get; init; }

    /// <summary>How many seconds the messages were to go on after the connects; null when a count was set instead.</summary>
    public double? DurationSeconds { get; init; }

    /// <summary>How many connects were to be started a second; null when they were not paced.</summary>
    public double? Rate { get; init; }

    /// <summary>What the server was expected to answer.</summary>
    public required ReplyExpectation Expect { get; init; }

    /// <summary>Whether the load was stopped before its end.</summary>
    public required bool Interrupted { get; init; }

    /// <summary>How many connects succeeded.</summary>
    public required int Connected { get; init; }

    /// <summary>How many connections were open at one and the same moment, when all had said what they had to say.</summary>
    public required int OpenTogether { get; init; }

    /// <summary>How often each connect outcome occurred: <c>connected</c>, or the name of the errno.</summary>
    public required IReadOnlyDictionary<string, int> Outcomes { get; init; }

    /// <summary>What ended connections that had been established, and how often.</summary>
    public required IReadOnlyDictionary<string, int> Failures { get; init; }

    /// <summary>Messages that were answered, or only sent where no reply is expected.</summary>
    public required long RoundTrips { get; init; }

    /// <summary>Replies that were not, byte for byte, what was expected.</summary>
    public required long WrongReplies { get; init; }

    /// <summary>The expectation that every one of the wrong replies would have met; null when there is none such.</summary>
    public ReplyExpectation? WrongRepliesMatch { get; init; }

    /// <summary>Bytes sent.</summary>
    public required long BytesSent { get; init; }

    /// <summary>Bytes received.</summary>
    public required long BytesReceived { get; init; }

    /// <summary>From the start of the first connect to the moment at which all connections were open and done talking.</summary>
    public required double ElapsedSeconds { get; init; }

    /// <summary>From the start of the first connect to the outcome of the last.</summary>
    public required double ConnectSeconds { get; init; }

    /// <summary>Successful connects a second.</summary>
    public double ConnectsPerSecond => PerSecond(Connected, ConnectSeconds);

    /// <summary>Round trips a second.</summary>
    public double RoundTripsPerSecond => PerSecond(RoundTrips, TalkSeconds);

    /// <summary>For how long messages went to and fro: after the last connect, or with a pace all the time.</summary>
    public double TalkSeconds => Rate is null ? ElapsedSeconds - ConnectSeconds : ElapsedSeconds;

    /// <summary>How long the successful connects took, not counting their wait for a place in flight.</summary>
    public required LatencySummary ConnectLatency { get; init; }

    /// <summary>How long it took from sending a message to having its whole reply.</summary>
    public required LatencySummary RoundTripLatency { get; init; }

    /// <summary>Whether all that was asked for was done: every connect succeeded and every reply came and was right.</summary>
    public bool Succeeded => !Interrupted && Connected == Connections && Failures.Count == 0 && WrongReplies == 0;

    private static double PerSecond(long count, double seconds) => seconds > 0 ? count / seconds : 0;
}
