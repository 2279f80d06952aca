using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using Microsoft.Extensions.ObjectPool;

namespace Reactor;

/// <summary>
/// One non-blocking connect on one socket: socket(2), connect(2), and when the poller tells of it SO_ERROR. After any end
/// but success the descriptor is closed, for a failed socket is never used again; after success the same registration goes
/// on as the connection's. Used again for one connect after the other.
/// </summary>
internal sealed class PendingConnect : IRegistrant, IValueTaskSource<PendingConnect.End>
{
    private readonly EventLoop _loop;
    private readonly LoopTimer _timer;
    private LoopCompletion _completion;
    private End _end;
    private EndPoint _endPoint = null!;
    private ConnectOptions _options = null!;
    private CancellationToken _cancellationToken;
    private CancellationTokenRegistration _registration;
    private Token _token;

    // -1 exactly while no connect is under way.
    private int _descriptor = -1;

    internal PendingConnect(EventLoop loop)
    {
        _loop = loop;
        _timer = new LoopTimer(loop, static pending => ((PendingConnect)pending!).Fail(new End(ConnectOutcome.TimedOut)), this);
    }

    private Kernel Kernel => _loop.Kernel;

    /// <summary>Begins to connect. On the loop, one at a time.</summary>
    /// <param name="endPoint">The address.</param>
    /// <param name="local">From where to dial; null leaves it to the system.</param>
    /// <param name="options">How the connection is to be.</param>
    /// <param name="timeout">After which to give up, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="cancellationToken">Gives up, too.</param>
    internal ValueTask<End> ConnectAsync(EndPoint endPoint, EndPoint? local, ConnectOptions options, TimeSpan timeout, CancellationToken cancellationToken)
    {
        Debug.Assert(_descriptor < 0, "One connect at a time.");
        _endPoint = endPoint;
        _options = options;
        var family = endPoint.AddressFamily;
        var address = endPoint.Serialize();
        var localAddress = local?.Serialize();
        var descriptor = Kernel.Socket(family);
        if (descriptor < 0) return new ValueTask<End>(Classified("socket", (Errno)(-descriptor), isImmediate: true));

        var (syscall, answer) = Prepare(descriptor, family, localAddress, leavesPort: local is IPEndPoint { Port: 0 });
        if (answer < 0) return Abandon(descriptor, syscall, answer);

        answer = Connect(descriptor, address, family);
        if (answer < 0 && !ConnectErrors.IsUnderWay((Errno)(-answer))) return Abandon(descriptor, "connect", answer);

        var registered = _loop.Register(descriptor, this, out _token);
        if (registered < 0) return Abandon(descriptor, _loop.RegisterSyscall, registered);

        _descriptor = descriptor;
        if (answer >= 0) return new ValueTask<End>(Establish(default));

        _completion.Reset();
        if (timeout != Timeout.InfiniteTimeSpan) _timer.Restart(timeout);
        _cancellationToken = cancellationToken;
        _registration = cancellationToken.UnsafeRegister(
            static pending => ((PendingConnect)pending!)._loop.Enqueue(static pending => ((PendingConnect)pending!).OnTokenCanceled(), pending), this);
        return new ValueTask<End>(this, _completion.Version);
    }

    End IValueTaskSource<End>.GetResult(short token)
    {
        _completion.GetResult(token);
        return _end;
    }

    ValueTaskSourceStatus IValueTaskSource<End>.GetStatus(short token) => _completion.GetStatus(token);

    void IValueTaskSource<End>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(_loop, continuation, state, token, flags);

    // A failed connect is writable too, so only SO_ERROR tells, and once: kqueue puts the error into the event, too. No
    // error is believed once there is a peer, for an event may come for nothing. An unreachable from a router shows as EPOLLERR
    // alone.
    void IRegistrant.OnEvents(PollEvent news)
    {
        if ((news.Readiness & Readiness.Unwatched) != 0)
        {
            Fail(Classified(_loop.RegisterSyscall, news.Errno, isImmediate: false));
            return;
        }

        var error = Kernel.SocketError(_descriptor);
        if (error == 0) error = -(int)news.Errno;
        switch ((Errno)(-error))
        {
            case Errno.None:
                var peer = Kernel.PeerAddress(_descriptor, _loop.ScratchAddress);
                if (peer == -(int)Errno.ENOTCONN) return;
                if (peer < 0)
                {
                    Fail(Classified("getpeername", (Errno)(-peer), isImmediate: false));
                    return;
                }

                _timer.Cancel();
                _registration.Unregister();
                Complete(Establish(news));
                return;
            case Errno.EINPROGRESS or Errno.EALREADY:
                return;
            default:
                Fail(Classified("connect", (Errno)(-error), isImmediate: false));
                return;
        }
    }

    void IRegistrant.OnTurn() => Debug.Fail("A connect under way never asks for a turn.");

    void IRegistrant.OnStopping() => Fail(new End(ConnectOutcome.Canceled));

    void IRegistrant.OnStopped() => Fail(new End(ConnectOutcome.Canceled));

    // A late one finds nothing under way, or another connect with another token.
    private void OnTokenCanceled()
    {
        if (_descriptor >= 0 && _cancellationToken.IsCancellationRequested) Fail(new End(ConnectOutcome.Canceled));
    }

    private (string Syscall, int Answer) Prepare(int descriptor, AddressFamily family, SocketAddress? local, bool leavesPort)
    {
        var setup = new SocketSetup(Kernel, descriptor);
        setup.Set(_options, family);
        if (_options.FastOpen && family != AddressFamily.Unix) setup.Set(SocketOption.FastOpenConnect, 1);
        if (setup.Answer < 0 || local is null) return (setup.Syscall, setup.Answer);

        // Otherwise bind(2) takes a port for this address alone, and they run out though each could serve many targets. Where
        // the option is unknown that is how it is.
        if (leavesPort) _ = Kernel.SetOption(descriptor, SocketOption.BindAddressNoPort, 1);
        return ("bind", Kernel.Bind(descriptor, local));
    }

    // A Unix-domain connect has no handshake to go on in the background, so interrupted means not begun.
    private int Connect(int descriptor, SocketAddress address, AddressFamily family)
    {
        int answer;
        do answer = Kernel.Connect(descriptor, address);
        while (family == AddressFamily.Unix && answer == -(int)Errno.EINTR);
        return answer == -(int)Errno.EISCONN ? 0 : answer;
    }

    private End Establish(PollEvent news)
    {
        var local = _loop.ReadLocalEndPoint(_descriptor, _endPoint.AddressFamily);
        if (_endPoint is IPEndPoint && _endPoint.Equals(local))
        {
            Close();
            return new End(ConnectOutcome.Refused, Errno.ECONNREFUSED, "connect") { IsSelfConnect = true };
        }

        var connection = new Connection(_loop, _descriptor, local, _endPoint, _options);
        _loop.Registrations.Replace(_token, connection);
        connection.Start(_token);
        _loop.Connected++;
        _descriptor = -1;

        // Bytes may have come together with the end of the handshake, and their edge will not come again.
        ((IRegistrant)connection).OnEvents(news);
        return new End(ConnectOutcome.Connected) { Connection = connection };
    }

    private void Fail(End end)
    {
        _timer.Cancel();
        _registration.Unregister();
        Close();
        Complete(end);
    }

    private void Complete(End end)
    {
        _end = end;
        _completion.Complete();
    }

    /// <summary>One that waits for its next connect holds on to nothing of the last.</summary>
    internal void Forget()
    {
        _completion.Reset();
        _end = default;
        _endPoint = null!;
        _options = null!;
        _cancellationToken = default;
        _registration = default;
    }

    private void Close()
    {
        _loop.Close(_descriptor, _token);
        _descriptor = -1;
    }

    private ValueTask<End> Abandon(int descriptor, string syscall, int answer)
    {
        _ = Kernel.Close(descriptor);
        return new ValueTask<End>(Classified(syscall, (Errno)(-answer), isImmediate: true));
    }

    private End Classified(string syscall, Errno errno, bool isImmediate) =>
        new(ConnectErrors.Classify(errno, _endPoint.AddressFamily, isImmediate), errno, syscall) { IsImmediate = isImmediate };

    /// <summary>How it ended.</summary>
    internal readonly record struct End(ConnectOutcome Outcome, Errno Errno = Errno.None, string? Syscall = null)
    {
        /// <summary>Not null exactly when connected.</summary>
        internal Connection? Connection { get; init; }

        internal bool IsImmediate { get; init; }

        /// <summary>The socket got the very port as its own that it dialled, and so answered itself (RFC 9293, 3.5: simultaneous open).</summary>
        internal bool IsSelfConnect { get; init; }
    }

    /// <summary>How the pool makes them.</summary>
    /// <param name="loop">The loop that they are for.</param>
    internal sealed class Policy(EventLoop loop) : PooledObjectPolicy<PendingConnect>
    {
        public override PendingConnect Create() => new(loop);

        public override bool Return(PendingConnect obj)
        {
            Debug.Assert(obj._descriptor < 0, "It is still under way.");
            obj.Forget();
            return true;
        }
    }
}
