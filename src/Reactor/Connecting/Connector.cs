using System.Net;
using System.Net.Sockets;

namespace Reactor;

/// <summary>
/// Dials: takes a place among those under way, resolves the name, and races its addresses, each on a new socket, until one
/// connects. Every public member may be called from any thread; the work is done on the loop.
/// </summary>
public sealed class Connector
{
    // A self-connect says no more than that nobody listens; another try has another port of our own, if that is not given.
    internal const int MostSelfConnects = 3;

    // What a storm leaves behind for the next one.
    private const int MostFreeDials = 4096;

    private readonly DialGate _gate;
    private readonly SourceAddresses _sources;
    private readonly Stack<DirectDial> _freeDials = new();

    // Whether the options leave it to the address whether a dial is a direct one.
    private readonly bool _isDirect;

    /// <summary>Makes a connector with options of its own.</summary>
    /// <param name="loop">The loop to dial on.</param>
    /// <param name="options">How to dial; null for the defaults.</param>
    public Connector(EventLoop loop, ConnectOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(loop);
        Loop = loop;
        Options = options ?? new ConnectOptions();
        _gate = new DialGate(loop, Options);
        _sources = new SourceAddresses(Options.LocalEndPoints);
        _isDirect = Options.Retry is null && Options.LocalEndPoints.Count == 0;
    }

    /// <summary>The loop that it dials on.</summary>
    public EventLoop Loop { get; }

    /// <summary>How it dials.</summary>
    public ConnectOptions Options { get; }

    /// <summary>getaddrinfo(3) on a thread of its own: the loop never waits for it. A test puts another in its place.</summary>
    internal Func<string, AddressFamily, Task<IPAddress[]>> Resolve { get; init; } = static (host, family) => Dns.GetHostAddressesAsync(host, family);

    /// <summary>Where between nothing and its ceiling a pause before a retry lies: 0 to 1. A test puts another in its place.</summary>
    internal Func<double> Jitter { get; init; } = Random.Shared.NextDouble;

    /// <summary>Dials under way, at most <see cref="ConnectOptions.MaxInFlight"/>.</summary>
    public int InFlight => _gate.InFlight;

    /// <summary>Dials that wait for a place.</summary>
    public int Queued => _gate.Waiting;

    /// <summary>Dials an address.</summary>
    /// <param name="endPoint">An <see cref="IPEndPoint"/>, a <see cref="DnsEndPoint"/>, whose addresses are raced (<see cref="ConnectOptions.AttemptDelay"/>), or a <see cref="UnixDomainSocketEndPoint"/>.</param>
    /// <param name="cancellationToken">Gives up. Once connected it means nothing any more.</param>
    /// <returns>The connection. It belongs to the caller, who closes it.</returns>
    /// <exception cref="ConnectException">Not connected; the message says why.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    public ValueTask<Connection> ConnectAsync(EndPoint endPoint, CancellationToken cancellationToken = default) =>
        EnterDirect(endPoint) is { } dial ? dial.ConnectAsync(endPoint, cancellationToken) : ConnectInLayersAsync(endPoint, cancellationToken);

    /// <inheritdoc cref="ConnectAsync(EndPoint, CancellationToken)"/>
    /// <exception cref="ArgumentException">The scope of <paramref name="host"/> is not a network interface here.</exception>
    /// <param name="host">An IP address, with its scope where it needs one (<c>fe80::1%eth0</c>), or a name to resolve.</param>
    /// <param name="port">0 to 65,535.</param>
    /// <param name="cancellationToken">Gives up. Once connected it means nothing any more.</param>
    public ValueTask<Connection> ConnectAsync(string host, int port, CancellationToken cancellationToken = default) =>
        ConnectAsync(ToEndPoint(host, port), cancellationToken);

    /// <summary>Dials an address and tells how it went; no outcome is an exception.</summary>
    /// <param name="endPoint">An <see cref="IPEndPoint"/>, a <see cref="DnsEndPoint"/>, whose addresses are raced (<see cref="ConnectOptions.AttemptDelay"/>), or a <see cref="UnixDomainSocketEndPoint"/>.</param>
    /// <param name="cancellationToken">Gives up, with <see cref="ConnectOutcome.Canceled"/>. Once connected it means nothing any more.</param>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    public ValueTask<ConnectResult> TryConnectAsync(EndPoint endPoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        ObjectDisposedException.ThrowIf(Loop.IsStopping, Loop);
        return Loop.IsOnLoop ? TryConnectOnLoopAsync(endPoint, cancellationToken) : TryConnectElsewhereAsync(endPoint, cancellationToken);
    }

    /// <inheritdoc cref="TryConnectAsync(EndPoint, CancellationToken)"/>
    /// <exception cref="ArgumentException">The scope of <paramref name="host"/> is not a network interface here.</exception>
    /// <param name="host">An IP address, with its scope where it needs one (<c>fe80::1%eth0</c>), or a name to resolve.</param>
    /// <param name="port">0 to 65,535.</param>
    /// <param name="cancellationToken">Gives up, with <see cref="ConnectOutcome.Canceled"/>. Once connected it means nothing any more.</param>
    public ValueTask<ConnectResult> TryConnectAsync(string host, int port, CancellationToken cancellationToken = default) =>
        TryConnectAsync(ToEndPoint(host, port), cancellationToken);

    private static EndPoint ToEndPoint(string host, int port)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        if (!IPAddress.TryParse(host, out var address)) return new DnsEndPoint(host, port);

        // .NET reads fe80::1%nosuch0 as fe80::1, of which the kernel then says EINVAL.
        if (address is { AddressFamily: AddressFamily.InterNetworkV6, ScopeId: 0 } && host.Split('%') is [_, not "0" and var scope])
        {
            throw new ArgumentException($"There is no network interface {scope}.", nameof(host));
        }

        return new IPEndPoint(address, port);
    }

    /// <summary>Takes back a dial whose result was fetched; one that was fetched on another thread is left to the collector.</summary>
    internal void Free(DirectDial dial)
    {
        if (Loop.IsOnLoop && _freeDials.Count < MostFreeDials) _freeDials.Push(dial);
    }

    private async ValueTask<Connection> ConnectInLayersAsync(EndPoint endPoint, CancellationToken cancellationToken)
    {
        var result = await TryConnectAsync(endPoint, cancellationToken);
        return result.ToConnection(cancellationToken);
    }

    private ValueTask<ConnectResult> TryConnectOnLoopAsync(EndPoint endPoint, CancellationToken cancellationToken) =>
        EnterDirect(endPoint) is { } dial ? dial.TryConnectAsync(endPoint, cancellationToken) : DialAsync(endPoint, cancellationToken);

    private ValueTask<ConnectResult> TryConnectElsewhereAsync(EndPoint endPoint, CancellationToken cancellationToken) =>
        new(Loop.InvokeAsync(() => TryConnectOnLoopAsync(endPoint, cancellationToken).AsTask()));

    // Null when there is more to do than to connect one socket. Otherwise its place is taken.
    private DirectDial? EnterDirect(EndPoint endPoint)
    {
        if (!_isDirect || endPoint is null or DnsEndPoint || !Loop.IsOnLoop || Loop.IsStopping || !_gate.TryEnter()) return null;
        return _freeDials.TryPop(out var dial) ? dial : new DirectDial(this);
    }

    private async ValueTask<ConnectResult> DialAsync(EndPoint target, CancellationToken cancellationToken)
    {
        var start = Loop.Kernel.Timestamp;
        var result = await TryAsync(target, cancellationToken);
        var last = result;
        for (var tries = 1; Options.Retry is { } retry && tries < retry.Attempts && IsWorthRetrying(retry, last); tries++)
        {
            var isOver = await PauseAsync(retry.Pause(tries, Jitter()), cancellationToken);
            last = isOver ? new ConnectResult(ConnectOutcome.Canceled, result.EndPoint, []) : await TryAsync(target, cancellationToken);
            result = last.After(result, Since(start));
        }

        result.Target = target;
        NoteCanceled(result);
        return result;
    }

    private static bool IsWorthRetrying(ConnectRetryOptions retry, ConnectResult result) =>
        result.Outcome is not (ConnectOutcome.Connected or ConnectOutcome.Canceled) && retry.ShouldRetry(result);

    // True when cancelled meanwhile. The place among those in flight is another's for that time.
    private async ValueTask<bool> PauseAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        var over = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var timer = Loop.StartTimer(pause, () => over.TrySetResult(false));
        using var canceled = cancellationToken.UnsafeRegister(static over => ((TaskCompletionSource<bool>)over!).TrySetResult(true), over);
        using var stopping = Loop.Stopping.UnsafeRegister(static over => ((TaskCompletionSource<bool>)over!).TrySetResult(true), over);
        return await over.Task;
    }

    private async ValueTask<ConnectResult> TryAsync(EndPoint target, CancellationToken cancellationToken)
    {
        if (!await _gate.EnterAsync(cancellationToken)) return new ConnectResult(ConnectOutcome.Canceled, target, []);
        var start = Loop.Kernel.Timestamp;
        try
        {
            if (target is not DnsEndPoint name) return await TryAddressAsync(target, start, cancellationToken);

            var (addresses, failed) = await ResolveAsync(name, start, cancellationToken);
            if (failed is not null) return failed;
            return addresses.Length == 1
                ? await TryAddressAsync(new IPEndPoint(addresses[0], name.Port), start, cancellationToken)
                : await new AddressRace(this, name, addresses, start, cancellationToken).RunAsync();
        }
        finally
        {
            _gate.Leave();
        }
    }

    private async ValueTask<ConnectResult> TryAddressAsync(EndPoint endPoint, long start, CancellationToken cancellationToken)
    {
        var (attempt, connection) = await AttemptAsync(endPoint, Left(start), cancellationToken);
        return Result(attempt, [attempt], connection, Since(start));
    }

    /// <summary>Tries one address, on as many sockets as it takes: one, if the socket does not connect to itself and its source has a port left.</summary>
    internal async ValueTask<(ConnectAttempt Attempt, Connection? Connection)> AttemptAsync(EndPoint endPoint, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var start = Loop.Kernel.Timestamp;
        var (selfConnects, sourcesUsedUp) = (0, 0);
        EndPoint? local;
        PendingConnect.End end;
        bool again;
        do
        {
            local = _sources.Next(endPoint.AddressFamily);
            if (cancellationToken.IsCancellationRequested || Loop.IsStopping)
            {
                end = new PendingConnect.End(ConnectOutcome.Canceled);
                break;
            }

            var pending = Loop.PendingConnects.Get();
            end = await pending.ConnectAsync(endPoint, local, Options, timeout, cancellationToken);
            Loop.PendingConnects.Return(pending);
            if (end.IsSelfConnect) again = ++selfConnects < MostSelfConnects && local is not IPEndPoint { Port: not 0 };
            else again = end is { IsImmediate: true, Outcome: ConnectOutcome.AddressUnavailable } && ++sourcesUsedUp < _sources.Count(endPoint.AddressFamily);
        }
        while (again);

        return (Attempt(endPoint, local, end, Since(start)), end.Connection);
    }

    /// <summary>The end of a direct dial: gives its place back.</summary>
    internal ConnectResult EndDirect(EndPoint endPoint, PendingConnect.End end, long start)
    {
        var elapsed = Since(start);
        var attempt = Attempt(endPoint, local: null, end, elapsed);
        var result = Result(attempt, [attempt], end.Connection, elapsed);
        NoteCanceled(result);
        LeaveDirect();
        return result;
    }

    internal void LeaveDirect() => _gate.Leave();

    private static ConnectAttempt Attempt(EndPoint endPoint, EndPoint? local, PendingConnect.End end, TimeSpan elapsed) => new()
    {
        EndPoint = endPoint,
        LocalEndPoint = end.Connection?.LocalEndPoint ?? local,
        Outcome = end.Outcome,
        Errno = end.Errno,
        Syscall = end.Syscall,
        IsImmediate = end.IsImmediate,
        Elapsed = elapsed,
    };

    private void NoteCanceled(ConnectResult result)
    {
        if (Loop.IsStopping && result.Outcome == ConnectOutcome.Canceled) Loop.ConnectsCanceled++;
    }

    private async ValueTask<(IPAddress[] Addresses, ConnectResult? Failed)> ResolveAsync(DnsEndPoint name, long start, CancellationToken cancellationToken)
    {
        var family = name.AddressFamily == AddressFamily.Unspecified ? Options.AddressFamily : name.AddressFamily;
        Exception none;
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Loop.Stopping);

            // The resolver cannot be interrupted; it is left behind on its own thread.
            var addresses = await Resolve(name.Host, family).WaitAsync(WaitTimeout(Options.ConnectTimeout), either.Token);
            if (addresses.Length > 0) return (addresses, null);
            none = new SocketException((int)SocketError.NoData);
        }
        catch (OperationCanceledException)
        {
            return ([], new ConnectResult(ConnectOutcome.Canceled, name, []) { Elapsed = Since(start) });
        }
        catch (TimeoutException)
        {
            return ([], new ConnectResult(ConnectOutcome.TimedOut, name, []) { Elapsed = Since(start), Syscall = "getaddrinfo" });
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            none = exception;
        }

        return ([], new ConnectResult(ConnectOutcome.ResolveFailed, name, []) { Elapsed = Since(start), Syscall = "getaddrinfo", ResolveException = none });
    }

    internal static ConnectResult Result(ConnectAttempt last, IReadOnlyList<ConnectAttempt> attempts, Connection? connection, TimeSpan elapsed) =>
        new(last.Outcome, last.EndPoint, attempts)
        {
            Errno = last.Errno,
            Syscall = last.Syscall,
            LocalEndPoint = last.LocalEndPoint,
            Elapsed = elapsed,
            Connection = connection,
        };

    // What Task can wait for ends at some 49 days.
    private static TimeSpan WaitTimeout(TimeSpan timeout) => timeout.TotalMilliseconds < int.MaxValue ? timeout : Timeout.InfiniteTimeSpan;

    /// <summary>What is left of the time that a dial may take.</summary>
    internal TimeSpan Left(long start)
    {
        if (Options.ConnectTimeout == Timeout.InfiniteTimeSpan) return Timeout.InfiniteTimeSpan;
        var left = Options.ConnectTimeout - Since(start);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    internal TimeSpan Since(long start) => TimeSpan.FromTicks((Loop.Kernel.Timestamp - start) / TimeSpan.NanosecondsPerTick);
}
