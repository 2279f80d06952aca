namespace Reactor;

/// <summary>What a loop has done and holds. Read from any thread; each figure is right by itself, not all of one instant.</summary>
public readonly record struct EventLoopCounters
{
    /// <summary>Turns since the start. An idle loop takes none.</summary>
    public long Turns { get; init; }

    /// <summary>Connections that hold a descriptor, accepted and dialled.</summary>
    public int Connections { get; init; }

    /// <summary>Descriptors registered with the poller: connections, listeners and connects under way.</summary>
    public int Registrations { get; init; }

    /// <summary>Timers pending.</summary>
    public int Timers { get; init; }

    /// <summary>Buffers that connections hold at the moment.</summary>
    public int RentedBuffers { get; init; }

    /// <summary>Connections accepted since the start.</summary>
    public long Accepted { get; init; }

    /// <summary>Connections accepted and closed at once for want of descriptors or memory.</summary>
    public long AcceptsRefused { get; init; }

    /// <summary>Connections dialled since the start.</summary>
    public long Connected { get; init; }

    /// <summary>Bytes received since the start.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Bytes sent since the start.</summary>
    public long BytesSent { get; init; }

    /// <summary>Connections accepted and closed at once because their remote address had <see cref="ListenOptions.MaxConnectionsPerAddress"/> already.</summary>
    public long AddressLimits { get; init; }

    /// <summary>How often a listener reached <see cref="ListenOptions.MaxConnections"/>; further clients then wait in the backlog.</summary>
    public long ConnectionLimits { get; init; }

    /// <summary>Connections ended with <see cref="CloseReason.IdleTimeout"/>.</summary>
    public long IdleTimeouts { get; init; }

    /// <summary>Connections ended with <see cref="CloseReason.FirstByteTimeout"/>.</summary>
    public long FirstByteTimeouts { get; init; }

    /// <summary>Connections ended with <see cref="CloseReason.WriteTimeout"/>.</summary>
    public long WriteTimeouts { get; init; }

    /// <summary>Connections ended with <see cref="CloseReason.SendLimit"/>.</summary>
    public long SendLimits { get; init; }

    /// <summary>Connections ended with <see cref="CloseReason.CloseTimeout"/>.</summary>
    public long CloseTimeouts { get; init; }

    /// <summary>Connections that ended by themselves while the loop was stopping.</summary>
    public long Drained { get; init; }

    /// <summary>Connections that the loop aborted when <see cref="EventLoopOptions.ShutdownTimeout"/> was over.</summary>
    public long Aborted { get; init; }

    /// <summary>Dials that were cancelled because the loop stopped, those that waited for a place included.</summary>
    public long ConnectsCanceled { get; init; }

    /// <summary>The sum of two loops' counters.</summary>
    public static EventLoopCounters operator +(EventLoopCounters left, EventLoopCounters right) => new()
    {
        Turns = left.Turns + right.Turns,
        Connections = left.Connections + right.Connections,
        Registrations = left.Registrations + right.Registrations,
        Timers = left.Timers + right.Timers,
        RentedBuffers = left.RentedBuffers + right.RentedBuffers,
        Accepted = left.Accepted + right.Accepted,
        AcceptsRefused = left.AcceptsRefused + right.AcceptsRefused,
        Connected = left.Connected + right.Connected,
        BytesReceived = left.BytesReceived + right.BytesReceived,
        BytesSent = left.BytesSent + right.BytesSent,
        AddressLimits = left.AddressLimits + right.AddressLimits,
        ConnectionLimits = left.ConnectionLimits + right.ConnectionLimits,
        IdleTimeouts = left.IdleTimeouts + right.IdleTimeouts,
        FirstByteTimeouts = left.FirstByteTimeouts + right.FirstByteTimeouts,
        WriteTimeouts = left.WriteTimeouts + right.WriteTimeouts,
        SendLimits = left.SendLimits + right.SendLimits,
        CloseTimeouts = left.CloseTimeouts + right.CloseTimeouts,
        Drained = left.Drained + right.Drained,
        Aborted = left.Aborted + right.Aborted,
        ConnectsCanceled = left.ConnectsCanceled + right.ConnectsCanceled,
    };

    /// <summary>The same as the operator.</summary>
    public static EventLoopCounters Add(EventLoopCounters left, EventLoopCounters right) => left + right;
}
