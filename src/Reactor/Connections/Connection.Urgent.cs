using System.Buffers;

namespace Reactor;

/// <content>
/// TCP's urgent data, one byte that is announced ahead of what was sent before it (tcp(7), RFC 6093), and looking at input
/// without taking it.
/// </content>
public sealed partial class Connection
{
    // Set exactly while ReceiveUrgentAsync waits.
    private TaskCompletionSource<byte?>? _urgentWaiter;

    // The peer has ended its sending side, or the loop stops: no urgent byte comes any more that is not here.
    private bool _isReadClosed;

    // An urgent byte is announced and not here: on its way, or, if somebody is making fun of us, never to come.
    private bool _isMarkAhead;

    /// <summary>
    /// Sends one byte as urgent (<c>MSG_OOB</c>), behind what was flushed. The peer's system announces it as soon as it hears of
    /// it, even while its reader takes nothing. Goes beside <see cref="Output"/>, whose flush may be waiting, and does not wait for
    /// the peer itself. TCP only.
    /// </summary>
    /// <param name="value">The byte.</param>
    /// <remarks>
    /// The peer's system keeps one urgent byte at a time. One that the next overtakes before it was taken is urgent no more: Linux
    /// leaves it in the stream as an ordinary byte, or drops it when the reader had come to its mark already.
    /// </remarks>
    /// <exception cref="ConnectionException">The connection has ended.</exception>
    /// <exception cref="InvalidOperationException"><see cref="Output"/> was completed.</exception>
    /// <exception cref="NotSupportedException">The connection is not one of TCP.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    public async ValueTask SendUrgentAsync(byte value)
    {
        ThrowIfNotTcp();
        await Loop.InvokeAsync(() => _writer.SendUrgent(value));
    }

    /// <summary>
    /// Takes the peer's urgent byte, and waits for it if need be. It may come long before the bytes that were sent before it
    /// are read. One call at a time. TCP only.
    /// </summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <remarks>
    /// Call it before the byte is to be expected, and again after each: once a read has gone past its mark the system has
    /// dropped it. While a call waits, every read looks for the byte first.
    /// </remarks>
    /// <returns>The byte, or null when the peer has ended its sending side, or the loop stops, and there is none.</returns>
    /// <exception cref="ConnectionException">The connection has ended.</exception>
    /// <exception cref="InvalidOperationException">Another call is waiting, or <see cref="ConnectionOptions.OutOfBandInline"/> has it in the stream.</exception>
    /// <exception cref="NotSupportedException">The connection is not one of TCP.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    public async ValueTask<byte?> ReceiveUrgentAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfNotTcp();
        if (Options.OutOfBandInline) throw new InvalidOperationException("With OutOfBandInline the urgent byte is in the stream, behind the mark.");
        var waiting = await Loop.InvokeAsync(BeginReceiveUrgent);
        using var registration = cancellationToken.UnsafeRegister((_, token) => Loop.Enqueue(_ => CancelReceiveUrgent(waiting, token), state: null), state: null);
        return await waiting.Task;
    }

    /// <summary>
    /// Whether everything was received that the peer sent before its urgent byte (sockatmark(3)). A read never goes beyond the mark, so
    /// after one that this is true for, its buffer ends there. Inline the urgent byte is the next one.
    /// </summary>
    /// <exception cref="ConnectionException">The connection has ended.</exception>
    /// <exception cref="KernelException">The system refused.</exception>
    /// <exception cref="NotSupportedException">The connection is not one of TCP.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    public async ValueTask<bool> IsAtMarkAsync()
    {
        ThrowIfNotTcp();
        return await Loop.InvokeAsync(IsAtMark);
    }

    /// <summary>
    /// Reads and throws away what the peer sent before its urgent byte, as telnet's Synch asks for (RFC 854); to be called when one
    /// was received. Ends early where the input does. Inline the byte has to be here: a read may go past a mark that comes
    /// meanwhile.
    /// </summary>
    /// <param name="cancellationToken">Gives up; what was read by then is gone.</param>
    /// <returns>How many bytes were thrown away.</returns>
    /// <exception cref="ConnectionException">The connection has ended.</exception>
    /// <exception cref="NotSupportedException">The connection is not one of TCP.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    public async ValueTask<long> DiscardToMarkAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfNotTcp();
        var discarded = 0L;
        while (true)
        {
            // What was received already came before the mark, or the mark was passed before this call.
            if (_reader.IsEmpty && await IsAtMarkAsync()) return discarded;
            var read = await Input.ReadAsync(cancellationToken);
            discarded += read.Buffer.Length;
            Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted || read.IsCanceled) return discarded;
        }
    }

    /// <summary>Waits for input and copies the first of it without taking it: the next read finds it again.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>How many bytes were copied: what is there, or as much as fits; 0 at the end of the input.</returns>
    /// <exception cref="ConnectionException">The connection has ended.</exception>
    /// <exception cref="InvalidOperationException">A read is in progress.</exception>
    public async ValueTask<int> PeekAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await Input.ReadAsync(cancellationToken);
        if (read.IsCanceled)
        {
            _reader.Unread();
            throw new OperationCanceledException("The pending read was cancelled.");
        }

        var count = CopyStart(read.Buffer, buffer.Span);
        _reader.Unread();
        return count;
    }

    private static int CopyStart(in ReadOnlySequence<byte> from, Span<byte> to)
    {
        var start = from.Slice(0, Math.Min(from.Length, to.Length));
        start.CopyTo(to);
        return (int)start.Length;
    }

    private void ThrowIfNotTcp()
    {
        if (!IsTcp) throw new NotSupportedException("Urgent data is a thing of TCP: a Unix-domain connection has none.");
    }

    private TaskCompletionSource<byte?> BeginReceiveUrgent()
    {
        if (_urgentWaiter is not null) throw new InvalidOperationException("Another call is waiting for the urgent byte.");
        var waiting = _urgentWaiter = new TaskCompletionSource<byte?>(TaskCreationOptions.RunContinuationsAsynchronously);
        ResumeUrgent();
        return waiting;
    }

    // On the loop, so that no byte is taken for one who has gone.
    private void CancelReceiveUrgent(TaskCompletionSource<byte?> waiting, CancellationToken cancellationToken)
    {
        if (_urgentWaiter == waiting) _urgentWaiter = null;
        waiting.TrySetCanceled(cancellationToken);
    }

    /// <summary>Gives the urgent byte to the one who waits for it, if it is here. Nobody does as a rule, and every receive asks.</summary>
    internal void ResumeUrgent()
    {
        if (_urgentWaiter is not null) ResumeUrgent(_urgentWaiter);
    }

    private void ResumeUrgent(TaskCompletionSource<byte?> waiting)
    {
        Span<byte> one = stackalloc byte[1];
        var count = IsOpen ? ReceiveUrgent(one) : 0;
        if (count == 1) waiting.TrySetResult(one[0]);
        else if (IsBroken) waiting.TrySetException(EndedException("recv"));
        else if (_isReadClosed) waiting.TrySetResult(null);
        else return;
        _urgentWaiter = null;
    }

    private int ReceiveUrgent(Span<byte> one)
    {
        int count;
        do count = Loop.Kernel.ReceiveUrgent(Descriptor, one);
        while (count == -(int)Errno.EINTR);

        // EAGAIN: announced, and on its way. EINVAL: there is none.
        _isMarkAhead = count == -(int)Errno.EAGAIN;
        if (count == 1) OnReceived(1, isShort: false);
        if (count is 1 or -(int)Errno.EAGAIN) OnMark();
        else if (count is < 0 and not -(int)Errno.EINVAL) OnUrgentFailed((Errno)(-count));
        return count;
    }

    // A reset is told here as ENOTCONN; its event, which says more, may not have been looked at yet.
    private void OnUrgentFailed(Errno errno)
    {
        OnBroken(Errno.None);
        if (!IsBroken) Break("recv", errno);
    }

    // A receive stops at the mark, and what lies behind it has no edge of its own: this byte may be here before its event, and
    // a short receive may have been taken for the last one.
    private void OnMark()
    {
        if (!_shortMeansDrained) return;
        _shortMeansDrained = false;
        _isReadable = true;
        _isDrained = false;
        RequestTurn();
    }

    private bool IsAtMark()
    {
        if (!IsOpen) throw EndedException("sockatmark");
        var answer = Loop.Kernel.IsAtMark(Descriptor);
        return answer < 0 ? throw new KernelException("sockatmark", (Errno)(-answer), RemoteEndPoint) : answer == 1;
    }
}
