namespace Reactor;

/// <content>What the loop counts. Written on its thread only.</content>
public sealed partial class EventLoop
{
    private readonly long[] _ends = new long[Enum.GetValues<CloseReason>().Length];

    /// <summary>What the loop has done and holds.</summary>
    public EventLoopCounters Counters => new()
    {
        Turns = Turn,
        Connections = Connections,
        Registrations = Registrations.Count,
        Timers = Timers.Count,
        RentedBuffers = Segments.Rented,
        Accepted = Accepted,
        AcceptsRefused = AcceptsRefused,
        AddressLimits = AddressLimits,
        ConnectionLimits = ConnectionLimits,
        Connected = Connected,
        BytesReceived = BytesReceived,
        BytesSent = BytesSent,
        IdleTimeouts = _ends[(int)CloseReason.IdleTimeout],
        FirstByteTimeouts = _ends[(int)CloseReason.FirstByteTimeout],
        WriteTimeouts = _ends[(int)CloseReason.WriteTimeout],
        SendLimits = _ends[(int)CloseReason.SendLimit],
        CloseTimeouts = _ends[(int)CloseReason.CloseTimeout],
        Drained = Drained,
        Aborted = Aborted,
        ConnectsCanceled = ConnectsCanceled,
    };

    internal int Connections { get; set; }

    internal long Accepted { get; set; }

    internal long AcceptsRefused { get; set; }

    internal long AddressLimits { get; set; }

    internal long ConnectionLimits { get; set; }

    internal long Connected { get; set; }

    internal long BytesReceived { get; set; }

    internal long BytesSent { get; set; }

    internal long Drained { get; private set; }

    internal long Aborted { get; private set; }

    internal long ConnectsCanceled { get; set; }

    /// <summary>A connection has ended; in good order, while the loop stops, unless the loop had to abort it.</summary>
    internal void CountEnd(CloseReason reason)
    {
        _ends[(int)reason]++;
        if (!IsStopping) return;
        if (_isAborting) Aborted++;
        else Drained++;
    }
}
