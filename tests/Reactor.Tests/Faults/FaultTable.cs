namespace Reactor.Tests;

/// <summary>Where the framework makes each call, and what it may answer. A call has one row for each place that treats it differently.</summary>
internal static class FaultTable
{
    public static IReadOnlyList<FaultRow> Rows { get; } =
    [
        new(KernelCall.Socket, "dial", ManPages.Socket, ConnectingFaults.Dial),
        new(KernelCall.Socket, "listen", ManPages.Socket, ListeningFaults.Listen),
        new(KernelCall.Socket, "reserve", ManPages.Socket, ListeningFaults.ListenWithoutReserve),
        new(KernelCall.Bind, "dial", ManPages.Bind, ConnectingFaults.DialFromAnAddress),
        new(KernelCall.Bind, "listen", ManPages.Bind, ListeningFaults.Listen),
        new(KernelCall.Bind, "listen unix", ManPages.BindPath, ListeningFaults.ListenUnix),
        new(KernelCall.Bind, "stale file", ManPages.BindPath, ListeningFaults.BindOverAStaleFile),
        new(KernelCall.Listen, "listen", ManPages.Listen, ListeningFaults.Listen),
        new(KernelCall.Listen, "listen unix", ManPages.Listen, ListeningFaults.ListenUnix),
        new(KernelCall.Adopt, "listen", ManPages.Adopt, ListeningFaults.Adopt),
        new(KernelCall.Accept, "accept", ManPages.Accept, ListeningFaults.Accept),
        new(KernelCall.Connect, "dial", ManPages.Connect, ConnectingFaults.Dial),
        new(KernelCall.Connect, "dial unix", ManPages.ConnectPath, ConnectingFaults.DialUnix),
        new(KernelCall.Receive, "read", ManPages.Receive, TransferFaults.Read),
        new(KernelCall.Receive, "echo", ManPages.Receive, TransferFaults.Echo),
        new(KernelCall.Receive, "close unread", ManPages.Receive, TransferFaults.CloseUnread),
        new(KernelCall.Receive, "lingering close", ManPages.Receive, TransferFaults.LingeringClose),
        new(KernelCall.Peek, "reset behind bytes", ManPages.Receive, TransferFaults.ReadBehindAReset),
        new(KernelCall.Send, "write", ManPages.Send, TransferFaults.Write),
        new(KernelCall.Send, "write with bytes unread", ManPages.Send, TransferFaults.WriteWithBytesUnread),
        new(KernelCall.Send, "echo", ManPages.Send, TransferFaults.Echo),
        new(KernelCall.Send, "queued", ManPages.Send, TransferFaults.SendWhatWasQueued),
        new(KernelCall.Gather, "flush", ManPages.Send, TransferFaults.FlushSeveral),
        new(KernelCall.Gather, "queued", ManPages.Send, TransferFaults.SendWhatWasQueued),
        new(KernelCall.SendUrgent, "write", ManPages.Send, SpecialFaults.SendUrgent),
        new(KernelCall.ReceiveUrgent, "read", ManPages.Receive, SpecialFaults.ReceiveUrgent),
        new(KernelCall.IsAtMark, "ask", ManPages.IsAtMark, SpecialFaults.IsAtMark),
        new(KernelCall.Shutdown, "half-close", ManPages.Shutdown, TransferFaults.ShutdownSend),
        new(KernelCall.Close, "close", ManPages.Close, TransferFaults.Close),
        new(KernelCall.Close, "refused dial", ManPages.Close, ConnectingFaults.CloseAfterRefusal),
        new(KernelCall.Close, "stop listening", ManPages.Close, ListeningFaults.StopListening),
        new(KernelCall.SetOption, "dial", ManPages.SetOption, ConnectingFaults.Dial),
        new(KernelCall.SetOption, "dial from an address", ManPages.SetOption, ConnectingFaults.DialFromAnAddressWithoutTheOption),
        new(KernelCall.SetOption, "listen", ManPages.SetOption, ListeningFaults.Listen),
        new(KernelCall.SetOption, "abort", ManPages.SetOption, TransferFaults.Abort),
        new(KernelCall.BindToDevice, "dial", ManPages.BindToDevice, ConnectingFaults.DialThroughADevice),
        new(KernelCall.BindToDevice, "listen", ManPages.BindToDevice, ListeningFaults.ListenThroughADevice),
        new(KernelCall.PeerCredentials, "ask", ManPages.GetOption, SpecialFaults.PeerCredentials),
        new(KernelCall.SocketError, "dial", [.. ManPages.SocketError, Errno.EINPROGRESS, Errno.EALREADY], ConnectingFaults.Dial),
        new(KernelCall.SocketError, "break", ManPages.SocketError, TransferFaults.Break),
        new(KernelCall.LocalAddress, "dial", ManPages.LocalAddress, ConnectingFaults.DialWithoutKnowingTheOwnAddress),
        new(KernelCall.LocalAddress, "listen", ManPages.LocalAddress, ListeningFaults.ListenOnAnyPort),
        new(KernelCall.LocalAddress, "accept", ManPages.LocalAddress, ListeningFaults.AcceptOnEveryAddress),
        new(KernelCall.PeerAddress, "dial", ManPages.PeerAddress, ConnectingFaults.Dial),
        new(KernelCall.Unlink, "stop listening", ManPages.Unlink, ListeningFaults.StopListening),
        new(KernelCall.Unlink, "stale file", ManPages.Unlink, ListeningFaults.ListenOverAStaleFile),
        new(KernelCall.SetMode, "listen", ManPages.SetMode, ListeningFaults.ListenWithAMode),
        new(KernelCall.SetOwner, "listen", ManPages.SetOwner, ListeningFaults.ListenForAnOwner),
        new(KernelCall.IsStaleSocket, "stale file", ManPages.IsStaleSocket, ListeningFaults.ListenOverAStaleFile),
        new(KernelCall.CreatePoller, "start", ManPages.CreatePoller, LoopFaults.Start),
        new(KernelCall.Add, "dial", ManPages.Control, ConnectingFaults.Dial),
        new(KernelCall.Add, "listen", ManPages.Control, ListeningFaults.Listen),
        new(KernelCall.Add, "listen unix", ManPages.Control, ListeningFaults.ListenUnix),
        new(KernelCall.Add, "accept", ManPages.Control, ListeningFaults.AcceptWithoutRegistering),
        new(KernelCall.Remove, "close", ManPages.Control, TransferFaults.Close),
        new(KernelCall.Remove, "stop listening", ManPages.Control, ListeningFaults.StopListening),
        new(KernelCall.Wait, "turn", ManPages.Wait, LoopFaults.Wait),
        new(KernelCall.Wake, "post", ManPages.Wake, LoopFaults.Post),
    ];
}

/// <summary>One call in one place.</summary>
/// <param name="Call">The call.</param>
/// <param name="Place">Where it is made, in a word or two.</param>
/// <param name="Errnos">What it may answer.</param>
/// <param name="Play">Gets there, with the fault, and looks at what comes of it.</param>
internal sealed record FaultRow(KernelCall Call, string Place, IReadOnlyList<Errno> Errnos, Func<FaultScene, Task> Play)
{
    /// <summary>The same where nothing is awaited.</summary>
    public FaultRow(KernelCall call, string place, IReadOnlyList<Errno> errnos, Action<FaultScene> play)
        : this(call, place, errnos, scene => Task.Run(() => play(scene)))
    {
    }
}
