using System.Collections.Concurrent;

namespace Reactor.Perf.Servers;

/// <summary>
/// Those that get whatever comes, where connections are served by the thread pool. A message is shared by all of its
/// receivers and not copied for each.
/// </summary>
internal sealed class Receivers
{
    private readonly ConcurrentDictionary<Receiver, Receiver> _all = new();

    public Receiver Join(Func<ReadOnlyMemory<byte>, ValueTask> send, Action abort)
    {
        var receiver = new Receiver(send, abort);
        _all[receiver] = receiver;
        return receiver;
    }

    public void Leave(Receiver receiver) => _all.TryRemove(receiver, out _);

    public void Send(ReadOnlyMemory<byte> message)
    {
        foreach (var (receiver, _) in _all)
            receiver.Send(message);
    }
}

/// <summary>One of them: one send at a time, and a queue for what comes meanwhile.</summary>
/// <param name="send">Sends all of a message.</param>
/// <param name="abort">Ends the connection of a receiver that does not read, or is gone.</param>
internal sealed class Receiver(Func<ReadOnlyMemory<byte>, ValueTask> send, Action abort)
{
    private const int MostQueuedBytes = 1024 * 1024;

    // Also the lock.
    private readonly Queue<ReadOnlyMemory<byte>> _queue = new();
    private int _queuedBytes;
    private bool _isSending;

    /// <summary>From any thread, and without waiting for the receiver.</summary>
    public void Send(ReadOnlyMemory<byte> message)
    {
        lock (_queue)
        {
            if (_isSending)
            {
                Enqueue(message);
                return;
            }

            _isSending = true;
        }

        _ = SendAllAsync(message);
    }

    private async Task SendAllAsync(ReadOnlyMemory<byte> message)
    {
        try
        {
            do
                await send(message);
            while (TryDequeue(out message));
        }
        catch (Exception)
        {
            // Gone, in one of the ways of two transports. It stays as if it was sending, so nothing is tried again.
            abort();
        }
    }

    private void Enqueue(ReadOnlyMemory<byte> message)
    {
        if (_queuedBytes + message.Length > MostQueuedBytes)
        {
            abort();
            return;
        }

        _queue.Enqueue(message);
        _queuedBytes += message.Length;
    }

    private bool TryDequeue(out ReadOnlyMemory<byte> message)
    {
        lock (_queue)
        {
            _isSending = _queue.TryDequeue(out message);
            _queuedBytes -= message.Length;
            return _isSending;
        }
    }
}
