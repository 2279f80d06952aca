using System.Diagnostics;

namespace Reactor.Load;

/// <summary>
/// What has happened in a load so far. Written on the loop only; <see cref="Progress"/> may be read by any thread,
/// and sees each number whole, though not all of one moment.
/// </summary>
internal sealed class LoadTally
{
    private readonly SortedDictionary<string, int> _outcomes = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _failures = new(StringComparer.Ordinal);
    private readonly LatencyHistogram _connectLatency = new();
    private readonly LatencyHistogram _roundTripLatency = new();

    private long _started;
    private int _settled;
    private int _connected;
    private int _finished;
    private long _roundTrips;
    private long _wrongReplies;
    private long _otherReplies;
    private long _bytesSent;
    private long _bytesReceived;
    private int _openTogether;
    private TimeSpan _connectsEnded;
    private TimeSpan _ended;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

    public int Settled => _settled;

    public int Finished => _finished;

    public LoadProgress Progress =>
        new(Volatile.Read(ref _settled), Volatile.Read(ref _connected), Volatile.Read(ref _finished), Volatile.Read(ref _roundTrips));

    public void Start() => _started = Stopwatch.GetTimestamp();

    public void ConnectSettled(ConnectResult result)
    {
        Count(_outcomes, NameOf(result));
        if (result.IsConnected)
        {
            _connectLatency.Record(result.Elapsed);
            Volatile.Write(ref _connected, _connected + 1);
        }
        _connectsEnded = Elapsed;
        Volatile.Write(ref _settled, _settled + 1);
    }

    public void Sent(int bytes) => _bytesSent += bytes;

    public void Received(long bytes) => _bytesReceived += bytes;

    public void RoundTrip(TimeSpan latency, in ReplyCheck reply)
    {
        _roundTripLatency.Record(latency);
        Volatile.Write(ref _roundTrips, _roundTrips + 1);
        if (reply.IsRight)
            return;
        _wrongReplies++;
        if (reply.IsOther)
            _otherReplies++;
    }

    public void SentWithoutReply() => Volatile.Write(ref _roundTrips, _roundTrips + 1);

    /// <summary>Counts bytes that came when no reply was due any more.</summary>
    public void UnaskedReply() => _wrongReplies++;

    public void Failed(string name) => Count(_failures, name);

    public void ConnectionFinished() => Volatile.Write(ref _finished, _finished + 1);

    public void AllFinished() => _ended = Elapsed;

    /// <summary>Counts a connection that was found open when all had finished.</summary>
    public void HeldOpen() => _openTogether++;

    public LoadReport ToReport(LoadPlan plan, ReplyExpectation otherExpectation, int? openWhenStopped) => new()
    {
        Target = plan.TargetName ?? plan.Target.ToString() ?? "",
        Connections = plan.Connections,
        InFlight = plan.InFlight,
        MessageBytes = plan.Message.Length,
        Repeat = plan.Duration is null ? plan.Repeat : null,
        DurationSeconds = plan.Duration?.TotalSeconds,
        Rate = plan.ConnectsPerSecond,
        Expect = plan.Expect,
        Interrupted = openWhenStopped is not null,
        Connected = _connected,
        OpenTogether = openWhenStopped ?? _openTogether,
        Outcomes = _outcomes,
        Failures = _failures,
        RoundTrips = _roundTrips,
        WrongReplies = _wrongReplies,
        WrongRepliesMatch = _wrongReplies > 0 && _otherReplies == _wrongReplies ? otherExpectation : null,
        BytesSent = _bytesSent,
        BytesReceived = _bytesReceived,
        ElapsedSeconds = _ended.TotalSeconds,
        ConnectSeconds = _connectsEnded.TotalSeconds,
        ConnectLatency = LatencySummary.Of(_connectLatency),
        RoundTripLatency = LatencySummary.Of(_roundTripLatency),
    };

    private static string NameOf(ConnectResult result) => result switch
    {
        { IsConnected: true } => "connected",
        { Errno: not Errno.None } => result.Errno.Name,
        { Outcome: ConnectOutcome.TimedOut } => "timed out",
        { Outcome: ConnectOutcome.Canceled } => "canceled",
        { Outcome: ConnectOutcome.ResolveFailed } => "name not resolved",
        _ => result.Outcome.ToString(),
    };

    private static void Count(SortedDictionary<string, int> counts, string name) =>
        counts[name] = counts.GetValueOrDefault(name) + 1;
}
