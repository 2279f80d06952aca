using System.Net;

namespace Reactor;

/// <summary>
/// A listening socket: accepts on its loop until none waits, and gives each connection to its handler. Made by
/// <see cref="EventLoop.ListenAsync(EndPoint, ConnectionHandler, ListenOptions?, CancellationToken)"/>; its members may be called from any thread.
/// </summary>
public sealed class Listener : IAsyncDisposable, IRegistrant
{
    // A storm of connects holds up the served ones for no more than this many accepts at a time.
    private const int AcceptsPerTurn = 64;

    // When not even the reserve descriptor is left, waiting is all there is to do. Long enough not to spin, short enough
    // for a client to stay.
    private static readonly TimeSpan _exhaustedPause = TimeSpan.FromMilliseconds(100);

    private readonly EventLoop _loop;
    private readonly Kernel _kernel;
    private readonly ConnectionHandler _handler;
    private readonly ListenOptions _options;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ReserveDescriptor _reserve;
    private readonly AddressLimit _addresses;
    private readonly LoopTimer _retry;

    // The address that accepted connections have on our side; null when the listener is bound to a wildcard.
    private readonly EndPoint? _acceptedLocal;

    // The file that goes with it; null when it has none, or when whoever gave us the socket looks after it.
    private string? _file;

    // -1 exactly when it no longer listens.
    private int _descriptor;
    private Token _token;
    private bool _turnRequested;

    // The turn that the accepts so far belong to.
    private long _budgetTurn;
    private int _acceptsInTurn;

    // Connections wait in the backlog until one of ours ends.
    private bool _isFull;

    // Descriptors or memory have run out, and the log says so.
    private bool _isExhausted;

    private Listener(EventLoop loop, int descriptor, EndPoint local, ConnectionHandler handler, ListenOptions options)
    {
        _loop = loop;
        _kernel = loop.Kernel;
        _descriptor = descriptor;
        _handler = handler;
        _options = options;
        _reserve = new ReserveDescriptor(_kernel);
        _addresses = new AddressLimit(options.MaxConnectionsPerAddress);
        _retry = new LoopTimer(loop, static listener => ((Listener)listener!).Accept(), this);
        LocalEndPoint = local;
        var isWildcard = LocalEndPoint is IPEndPoint ip && (ip.Address.Equals(IPAddress.Any) || ip.Address.Equals(IPAddress.IPv6Any));
        _acceptedLocal = isWildcard ? null : LocalEndPoint;
    }

    /// <summary>The address that it is bound to, with the real port where 0 was asked for.</summary>
    public EndPoint LocalEndPoint { get; }

    /// <summary>Connections given to the handler since the start.</summary>
    public long Accepted { get; private set; }

    /// <summary>Connections accepted and closed at once, since the start, because descriptors or memory had run out.</summary>
    public long Refused { get; private set; }

    /// <summary>Connections open now.</summary>
    public int Active { get; private set; }

    /// <summary>Ends when it listens no more: in order when it was disposed or the loop ended, else with the <see cref="ListenException"/> that ended it.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Stops listening: the socket is closed, and so are connections that still wait in its backlog; a Unix-domain socket's file is removed. Connections that are served go on.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _loop.InvokeAsync(() => End(error: null));
        }
        catch (ObjectDisposedException)
        {
            // The loop has ended, and the listener with it.
        }
    }

    /// <summary>What it listens on.</summary>
    public override string ToString() => $"listener on {LocalEndPoint}";

    internal static Listener Start(EventLoop loop, EndPoint endPoint, ConnectionHandler handler, ListenOptions options)
    {
        var descriptor = ListeningSocket.Open(loop.Kernel, endPoint, options);
        var file = ListeningSocket.FileOf(endPoint);
        try
        {
            return Start(loop, descriptor, endPoint, file, handler, options);
        }
        catch (ListenException)
        {
            if (file is not null) _ = loop.Kernel.Unlink(file);
            _ = loop.Kernel.Close(descriptor);
            throw;
        }
    }

    internal static Listener Adopt(EventLoop loop, int descriptor, ConnectionHandler handler, ListenOptions options)
    {
        var (syscall, answer) = ("fcntl", loop.Kernel.Adopt(descriptor));
        if (answer >= 0) (syscall, answer) = ("getsockname", loop.Kernel.LocalAddress(descriptor, loop.ScratchAddress));
        if (answer < 0) throw new ListenException($"{syscall} of descriptor {descriptor}", (Errno)(-answer), endPoint: null);

        // What accepted sockets inherit can be set late, too.
        var setup = new SocketSetup(loop.Kernel, descriptor);
        setup.Set(options, loop.ScratchAddress.Family);
        if (setup.Answer < 0) throw new ListenException(setup.Syscall, (Errno)(-setup.Answer), endPoint: null);
        return Start(loop, descriptor, loop.ReadScratch(loop.ScratchAddress.Family) ?? UnixAutobindEndPoint.Instance, file: null, handler, options);
    }

    private static Listener Start(EventLoop loop, int descriptor, EndPoint endPoint, string? file, ConnectionHandler handler, ListenOptions options)
    {
        var answer = loop.Kernel.LocalAddress(descriptor, loop.ScratchAddress);
        if (answer < 0) throw new ListenException("getsockname", (Errno)(-answer), endPoint);

        var local = loop.ReadScratch(loop.ScratchAddress.Family) ?? endPoint;
        var listener = new Listener(loop, descriptor, local, handler, options) { _file = file };
        answer = loop.Register(descriptor, listener, out listener._token);
        if (answer >= 0) return listener;

        listener._reserve.Dispose();
        throw new ListenException(loop.RegisterSyscall, (Errno)(-answer), endPoint);
    }

    void IRegistrant.OnEvents(PollEvent news)
    {
        if ((news.Readiness & Readiness.Unwatched) != 0) End(new ListenException(_loop.RegisterSyscall, news.Errno, LocalEndPoint));
        else Accept();
    }

    void IRegistrant.OnTurn()
    {
        _turnRequested = false;
        Accept();
    }

    void IRegistrant.OnStopping() => End(error: null);

    void IRegistrant.OnStopped() => End(error: null);

    internal void OnConnectionEnded(Connection connection)
    {
        Active--;
        _addresses.Leave(connection.RemoteEndPoint);
        if (!_isFull) return;
        _isFull = false;
        RequestTurn();
    }

    // Until EAGAIN, for the edge is told once; what is over the bound waits for the next turn.
    private void Accept()
    {
        if (_budgetTurn != _loop.Turn) (_budgetTurn, _acceptsInTurn) = (_loop.Turn, 0);
        for (; _acceptsInTurn < AcceptsPerTurn; _acceptsInTurn++)
        {
            if (_descriptor < 0) return;
            if (Active >= _options.MaxConnections)
            {
                OnFull();
                return;
            }

            _loop.ScratchAddress.Size = _loop.ScratchAddress.Buffer.Length;
            var accepted = _kernel.Accept(_descriptor, _loop.ScratchAddress);
            if (accepted >= 0)
            {
                OnAccepted(accepted);
                continue;
            }

            switch (AcceptErrors.Classify((Errno)(-accepted)))
            {
                case AcceptErrors.Kind.Drained:
                    return;
                case AcceptErrors.Kind.Skip:
                    break;
                case AcceptErrors.Kind.Exhausted when _kernel.Traits.HasFlag(KernelTraits.DropsUnaccepted):
                    OnExhausted((Errno)(-accepted), wasRefused: true);
                    break;
                case AcceptErrors.Kind.Exhausted:
                    var refused = _reserve.RefuseOne(_descriptor, _loop.ScratchAddress);
                    if (refused == -(int)Errno.EAGAIN) return;
                    OnExhausted((Errno)(-accepted), refused == 0);
                    if (refused == 0) break;
                    _retry.Restart(_exhaustedPause);
                    return;
                default:
                    End(new ListenException("accept", (Errno)(-accepted), LocalEndPoint));
                    return;
            }
        }

        RequestTurn();
    }

    private void OnFull()
    {
        if (_isFull) return;
        _isFull = true;
        _loop.ConnectionLimits++;
        _loop.Log.ConnectionLimitReached(LocalEndPoint, Active);
    }

    private void OnAccepted(int descriptor)
    {
        var remote = _loop.ReadScratch(LocalEndPoint.AddressFamily);
        if (!_addresses.TryEnter(remote))
        {
            _ = _kernel.Close(descriptor);
            _loop.AddressLimits++;
            _loop.Log.AddressLimitReached(LocalEndPoint, remote, _options.MaxConnectionsPerAddress);
            return;
        }

        if (LocalEndPoint is IPEndPoint && _kernel.Traits.HasFlag(KernelTraits.UninheritedTimes)) new SocketSetup(_kernel, descriptor).SetTimes(_options);
        var local = _acceptedLocal ?? _loop.ReadLocalEndPoint(descriptor, LocalEndPoint.AddressFamily);
        var connection = new Connection(_loop, descriptor, local, remote, _options) { Listener = this };
        var answer = _loop.Register(descriptor, connection, out var token);
        if (answer < 0)
        {
            _addresses.Leave(remote);
            _ = _kernel.Close(descriptor);
            _loop.Log.AcceptDropped(LocalEndPoint, ((Errno)(-answer)).Name);
            return;
        }

        if (_isExhausted)
        {
            _isExhausted = false;
            _loop.Log.AcceptRecovered(LocalEndPoint, Refused);
        }

        Accepted++;
        Active++;
        _loop.Accepted++;
        connection.Start(token);
        _ = ServeAsync(connection);
    }

    // A client that was refused has been told that there is no room, instead of waiting in a backlog that nobody empties.
    private void OnExhausted(Errno errno, bool wasRefused)
    {
        if (!_isExhausted) _loop.Log.AcceptExhausted(LocalEndPoint, errno.Name);
        _isExhausted = true;
        if (!wasRefused) return;
        Refused++;
        _loop.AcceptsRefused++;
    }

    private async Task ServeAsync(Connection connection)
    {
        var reason = CloseReason.ClosedLocally;
        _loop.Handlers++;
        try
        {
            await _handler(connection);
        }
        catch (ConnectionException exception)
        {
            _loop.Log.HandlerLostConnection(connection.Id, connection.RemoteEndPoint, exception.Message);
        }
        catch (OperationCanceledException) when (connection.CloseReason != CloseReason.None)
        {
            // It watched Closed.
        }
        catch (Exception exception)
        {
            reason = CloseReason.HandlerFailed;
            _loop.Log.HandlerFailed(exception, connection.Id, connection.RemoteEndPoint);
        }

        // It has outlived the loop, which closed the connection: there is no loop to come back to.
        if (_loop.HasEnded)
        {
            connection.Release();
            return;
        }

        await connection.CloseAsync(reason);
        _loop.Handlers--;
    }

    private void RequestTurn()
    {
        if (_turnRequested || _descriptor < 0) return;
        _turnRequested = true;
        _loop.EnqueueReady(this);
    }

    private void End(ListenException? error)
    {
        if (_descriptor < 0) return;
        var descriptor = _descriptor;
        _descriptor = -1;
        _retry.Cancel();
        if (_file is not null) _ = _kernel.Unlink(_file);
        _loop.Close(descriptor, _token);
        _reserve.Dispose();
        if (error is null)
        {
            _completion.SetResult();
            return;
        }

        _loop.Log.ListenerEnded(error, LocalEndPoint);
        _completion.SetException(error);
    }
}
