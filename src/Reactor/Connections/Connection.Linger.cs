namespace Reactor;

/// <content>
/// Closing for a peer that is still sending: our FIN goes out, and what comes is read and thrown away until the peer ends its
/// side. To close at once would reset the connection for the first byte that comes later, and a reset destroys what the peer
/// has not read yet (RFC 1122, 4.2.2.13).
/// </content>
public sealed partial class Connection
{
    // Closing: nobody reads or writes any more, and the close timer counts the time to linger.
    private bool _isLingering;

    private void Linger(CloseReason reason)
    {
        _isLingering = true;
        _closingReason = reason;
        ShutSend();
        CancelTimeouts();
        _closeTimer?.Cancel();
        _closeTimer = Loop.StartTimer(Options.Linger!.Value, () => End(reason));
        DiscardUntilEnd();
    }

    private void DiscardUntilEnd()
    {
        var scratch = Loop.Segments.Rent();
        int count;
        do
        {
            count = Loop.Kernel.Receive(Descriptor, scratch.Free);
            if (count > 0) OnReceived(count, isShort: false);
        }
        while ((count > 0 || count == -(int)Errno.EINTR) && HasBudget);

        Loop.Segments.Return(scratch);
        if (count is > 0 or -(int)Errno.EINTR) RequestTurn();
        else if (count != -(int)Errno.EAGAIN) End(_closingReason);
    }
}
