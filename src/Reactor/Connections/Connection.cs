using System.IO.Pipelines;
using System.Net;

namespace Reactor;

/// <summary>
/// An established connection: a duplex pipe that is the socket itself. Reading <see cref="Input"/> receives and flushing
/// <see cref="Output"/> sends, with nothing between. It lives on one loop; its members may be called from any thread, and
/// what is called elsewhere is posted to the loop. One read and one flush at a time, as with every pipe.
/// </summary>
public sealed partial class Connection : IDuplexPipe, IAsyncDisposable, IRegistrant
{
    // One flooding connection then holds the loop for some 50 us at a time before the others have theirs.
    private const int BudgetOperations = 32;
    private const int BudgetBytes = 256 * 1024;

    private static long _lastId;

    private readonly ConnectionReader _reader;
    private readonly ConnectionWriter _writer;
    private Token _token;

    // TCP only: a receive that left room has emptied the socket, and the poller will tell of more. A Unix-domain receive
    // also stops where the sender's credentials or passed descriptors change, and a TCP one at urgent data.
    private bool _shortMeansDrained;

    // Remembered from events, until a call answers EAGAIN.
    private bool _isReadable;
    private bool _isWritable = true;

    // The last that was heard of the socket is that it holds no bytes. Not the opposite of _isReadable: at first both are false.
    private bool _isDrained;

    // The turn that the spent budget belongs to, as far as an int goes.
    private int _budgetTurn;
    private int _spentOperations;
    private int _spentBytes;

    private bool _turnRequested;

    internal Connection(EventLoop loop, int descriptor, EndPoint? local, EndPoint? remote, ConnectionOptions options)
    {
        Id = Interlocked.Increment(ref _lastId);
        Loop = loop;
        Options = options;
        Descriptor = descriptor;
        LocalEndPoint = local;
        RemoteEndPoint = remote;
        _shortMeansDrained = IsTcp;
        _reader = new ConnectionReader(this);
        _writer = new ConnectionWriter(this);
    }

    /// <summary>A number that no other connection of the process has.</summary>
    public long Id { get; }

    /// <summary>The loop that it lives on.</summary>
    public EventLoop Loop { get; }

    /// <summary>Our address.</summary>
    public EndPoint? LocalEndPoint { get; }

    /// <summary>The peer's address. A Unix-domain client has none as a rule.</summary>
    public EndPoint? RemoteEndPoint { get; }

    /// <summary>
    /// What the peer sends. It completes when the peer has shut down its sending side; a reset is a
    /// <see cref="ConnectionResetException"/>, after the bytes that came before it.
    /// </summary>
    public PipeReader Input => _reader;

    /// <summary>
    /// What goes to the peer. A flush sends at once what the system takes, and waits only while more than
    /// <see cref="ConnectionOptions.SendHighWatermark"/> is left. Completing it is <see cref="ShutdownSend"/>; completing
    /// it with an exception is <see cref="Abort"/>.
    /// </summary>
    public PipeWriter Output => _writer;

    internal ConnectionOptions Options { get; }

    /// <summary>-1 exactly when the descriptor has been closed.</summary>
    internal int Descriptor { get; private set; }

    /// <summary>
    /// Taken by threads other than the loop while they take or give buffers, and by the loop when it takes buffers from under them.
    /// Others share it, so nothing is called inside that could wait for another one.
    /// </summary>
    internal object Gate => Loop.GateOf(Id);

    internal bool IsTcp => (LocalEndPoint ?? RemoteEndPoint) is IPEndPoint;

    internal bool IsOpen => Descriptor >= 0;

    internal bool IsReadable => IsOpen && _isReadable;

    internal bool IsWritable => _isWritable && !IsBroken;

    /// <summary>Whether it may do another operation in this turn, or has to let the others have theirs.</summary>
    internal bool HasBudget
    {
        get
        {
            if (_budgetTurn != (int)Loop.Turn) RenewBudget();
            return _spentOperations < BudgetOperations && _spentBytes < BudgetBytes;
        }
    }

    /// <summary>Who is at the other end of a Unix-domain connection.</summary>
    /// <exception cref="ConnectionException">The connection has ended.</exception>
    /// <exception cref="KernelException">The system refused.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    /// <exception cref="NotSupportedException">It is not one: over a network nobody vouches for the peer.</exception>
    public async ValueTask<PeerCredentials> GetPeerCredentialsAsync()
    {
        if (IsTcp) throw new NotSupportedException("Only a Unix-domain connection knows its peer's credentials.");
        return await Loop.InvokeAsync(() =>
        {
            if (!IsOpen) throw EndedException("getsockopt(SO_PEERCRED)");
            var answer = Loop.Kernel.PeerCredentials(Descriptor, out var credentials);
            return answer < 0 ? throw new KernelException("getsockopt(SO_PEERCRED)", (Errno)(-answer), LocalEndPoint) : credentials;
        });
    }

    /// <summary>
    /// Reads <see cref="Input"/> and writes <see cref="Output"/> as a stream, each write flushed at once. Disposing of it closes
    /// the connection, as <see cref="CloseAsync()"/> does; use <c>await using</c>, for the synchronous Dispose does not wait.
    /// </summary>
    /// <remarks>
    /// One read and one write at a time. It has no timeouts: pass a token. On the loop only the asynchronous members work; the
    /// synchronous ones would block it and throw <see cref="InvalidOperationException"/>, and so does disposing synchronously
    /// of a <see cref="StreamWriter"/> that holds text: dispose of it with <c>await using</c>.
    /// </remarks>
    public Stream AsStream() => new ConnectionStream(this);

    /// <summary>Takes it into service, registered under this token.</summary>
    internal void Start(Token token)
    {
        _token = token;
        Loop.Connections++;
        WatchFromTheStart();
    }

    void IRegistrant.OnEvents(PollEvent news)
    {
        var readiness = news.Readiness;
        if ((readiness & ~Readiness.Writable) != 0)
        {
            _isReadable = true;
            _isDrained = false;
            if ((readiness & ~(Readiness.Readable | Readiness.Writable)) != 0) OnSpecial(news);
            if (_isLingering) DiscardUntilEnd();
            else _reader.Resume();
            if (!IsOpen) return;
        }

        if ((readiness & (Readiness.Error | Readiness.HangUp | Readiness.Unwatched)) != 0)
        {
            OnBroken(news.Errno);
            if (!IsOpen) return;
        }

        if ((readiness & Readiness.Writable) != 0)
        {
            _isWritable = true;
            _writer.OnWritable();
        }
    }

    void IRegistrant.Prefetch(int eventsAhead)
    {
        if (eventsAhead == 1)
        {
            _reader.PrefetchAwaiter();
            return;
        }

        CacheLines.Prefetch(_reader, lines: 3);
        CacheLines.Prefetch(_writer, lines: 2);
    }

    void IRegistrant.OnTurn()
    {
        _turnRequested = false;
        if (_isLingering && IsOpen) DiscardUntilEnd();

        // First, so that who watches Closed hears of it before the read or write that it waits for fails.
        TellClosed();
        _reader.Resume();
        _writer.Resume();
        ResumeUrgent();
    }

    void IRegistrant.OnStopping()
    {
        // Bytes may wait whose event has not been looked at yet; a receive will tell.
        _isReadable = true;
        _isReadClosed = true;
        _reader.EndWhenDrained();
    }

    void IRegistrant.OnStopped() => Reset(CloseReason.LoopStopped);

    /// <summary>
    /// Has the reader and the writer looked at again in the ready phase. That is how everything reaches those who wait that
    /// a call of somebody else's caused: nobody's code runs inside another's call.
    /// </summary>
    internal void RequestTurn()
    {
        if (!Loop.IsOnLoop)
        {
            if (!Loop.HasEnded) Loop.Enqueue(static connection => ((Connection)connection!).RequestTurn(), this);
        }
        else if (!_turnRequested)
        {
            _turnRequested = true;
            Loop.EnqueueReady(this);
        }
    }

    internal void OnReceived(int count, bool isShort)
    {
        Spend(count);
        _hasReceived = true;
        Loop.BytesReceived += count;
        if (isShort && _shortMeansDrained) OnDrained();
    }

    internal void OnSent(int count)
    {
        Spend(count);
        if (_timeouts is not null) _timeouts.LastTakenMs = _timeouts.LastActiveMs;
        Loop.BytesSent += count;
    }

    // What comes behind urgent data or a hang-up has no event of its own any more, so only EAGAIN or the end will do.
    private void OnSpecial(PollEvent news)
    {
        var readiness = news.Readiness;
        _shortMeansDrained = false;

        // Known before the reads that follow: having told it here, the system may show them an end in good order.
        if (news.Errno != Errno.None) NoteFailure((readiness & Readiness.Unwatched) != 0 ? Loop.RegisterSyscall : "SO_ERROR", news.Errno);
        if ((readiness & Readiness.Urgent) != 0) ResumeUrgent();
        if ((readiness & (Readiness.ReadClosed | Readiness.HangUp)) == 0) return;

        // Whether it ended in order or broke is known after this event.
        _isReadClosed = true;
        if (_urgentWaiter is not null) RequestTurn();
    }

    internal void OnSendFailed(Errno errno)
    {
        // EINTR: it is tried again. EINPROGRESS: with TCP Fast Open a first send may begin the handshake and take no bytes (tcp(7)).
        if (errno is Errno.EAGAIN or Errno.EINPROGRESS) _isWritable = false;
        else if (errno != Errno.EINTR) Break("send", errno);
    }

    internal void OnReceiveFailed(Errno errno)
    {
        // Broken by a write, it was kept for the bytes that were there; no event tells that there are no more.
        if (errno == Errno.EAGAIN && _failure == Errno.None)
        {
            OnDrained();
            _shortMeansDrained = IsTcp && !_isReadClosed && !_isMarkAhead;
            return;
        }

        NoteFailure("recv", errno);
        End(CloseReason);
    }

    private void OnDrained()
    {
        _isReadable = false;
        _isDrained = true;
    }

    private void Spend(int bytes)
    {
        if (_budgetTurn != (int)Loop.Turn) RenewBudget();
        _spentOperations++;
        _spentBytes += bytes;
        if (_timeouts is not null) _timeouts.LastActiveMs = Loop.NowMs;
    }

    private void RenewBudget()
    {
        _budgetTurn = (int)Loop.Turn;
        _spentOperations = 0;
        _spentBytes = 0;
    }
}
