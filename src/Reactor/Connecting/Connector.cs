using System.Net;
using System.Net.Sockets;

namespace Reactor;

/// <summary>
/// Dials: resolves the name, takes a place among those under way, and tries each address on a new socket until one
/// connects. Every public member may be called from any thread; the work is done on the loop.
/// </summary>
public sealed class Connector
{
    // A self-connect says no more than that nobody listens; another try has another port of our own, if that is not given.
    private const int MostSelfConnects = 3;

    private readonly InFlightGate _gate;

    /// <summary>Makes a connector with options of its own.</summary>
    /// <param name="loop">The loop to dial on.</param>
    /// <param name="options">How to dial; null for the defaults.</param>
    public Connector(EventLoop loop, ConnectOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(loop);
        Loop = loop;
        Options = options ?? new ConnectOptions();
        _gate = new InFlightGate(loop, Options.MaxInFlight);
    }

    /// <summary>The loop that it dials on.</summary>
    public EventLoop Loop { get; }

    /// <summary>How it dials.</summary>
    public ConnectOptions Options { get; }

    /// <summary>getaddrinfo(3) on a thread of its own: the loop never waits for it. A test puts another in its place.</summary>
    internal Func<string, AddressFamily, Task<IPAddress[]>> Resolve { get; init; } = static (host, family) => Dns.GetHostAddressesAsync(host, family);

    /// <summary>Dials under way, at most <see cref="ConnectOptions.MaxInFlight"/>.</summary>
    public int InFlight => _gate.InFlight;

    /// <summary>Dials that wait for a place.</summary>
    public int Queued => _gate.Waiting;

    /// <summary>Dials an address.</summary>
    /// <param name="endPoint">An <see cref="IPEndPoint"/>, a <see cref="DnsEndPoint"/>, whose addresses are tried in turn, or a <see cref="UnixDomainSocketEndPoint"/>.</param>
    /// <param name="cancellationToken">Gives up. Once connected it means nothing any more.</param>
    /// <returns>The connection. It belongs to the caller, who closes it.</returns>
    /// <exception cref="ConnectException">Not connected; the message says why.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    public async ValueTask<Connection> ConnectAsync(EndPoint endPoint, CancellationToken cancellationToken = default)
    {
        var result = await TryConnectAsync(endPoint, cancellationToken);
        if (result.Connection is { } connection) return connection;
        if (result.Outcome == ConnectOutcome.Canceled) cancellationToken.ThrowIfCancellationRequested();
        throw result.ToException();
    }

    /// <inheritdoc cref="ConnectAsync(EndPoint, CancellationToken)"/>
    /// <param name="host">An IP address or a name to resolve.</param>
    /// <param name="port">0 to 65,535.</param>
    /// <param name="cancellationToken">Gives up. Once connected it means nothing any more.</param>
    public ValueTask<Connection> ConnectAsync(string host, int port, CancellationToken cancellationToken = default) =>
        ConnectAsync(ToEndPoint(host, port), cancellationToken);

    /// <summary>Dials an address and tells how it went; no outcome is an exception.</summary>
    /// <param name="endPoint">An <see cref="IPEndPoint"/>, a <see cref="DnsEndPoint"/>, whose addresses are tried in turn, or a <see cref="UnixDomainSocketEndPoint"/>.</param>
    /// <param name="cancellationToken">Gives up, with <see cref="ConnectOutcome.Canceled"/>. Once connected it means nothing any more.</param>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    public ValueTask<ConnectResult> TryConnectAsync(EndPoint endPoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        ObjectDisposedException.ThrowIf(Loop.IsStopping, Loop);
        return Loop.IsOnLoop
            ? DialAsync(endPoint, cancellationToken)
            : new ValueTask<ConnectResult>(Loop.InvokeAsync(() => DialAsync(endPoint, cancellationToken).AsTask()));
    }

    /// <inheritdoc cref="TryConnectAsync(EndPoint, CancellationToken)"/>
    /// <param name="host">An IP address or a name to resolve.</param>
    /// <param name="port">0 to 65,535.</param>
    /// <param name="cancellationToken">Gives up, with <see cref="ConnectOutcome.Canceled"/>. Once connected it means nothing any more.</param>
    public ValueTask<ConnectResult> TryConnectAsync(string host, int port, CancellationToken cancellationToken = default) =>
        TryConnectAsync(ToEndPoint(host, port), cancellationToken);

    private static EndPoint ToEndPoint(string host, int port)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        return IPAddress.TryParse(host, out var address) ? new IPEndPoint(address, port) : new DnsEndPoint(host, port);
    }

    private async ValueTask<ConnectResult> DialAsync(EndPoint target, CancellationToken cancellationToken)
    {
        if (!await _gate.EnterAsync(cancellationToken)) return new ConnectResult(ConnectOutcome.Canceled, target, []);
        var start = Loop.Kernel.Timestamp;
        try
        {
            if (target is not DnsEndPoint name) return await TryAddressAsync(target, start, cancellationToken);

            var (addresses, failed) = await ResolveAsync(name, start, cancellationToken);
            return failed ?? await TryAddressesAsync(name, addresses, start, cancellationToken);
        }
        finally
        {
            _gate.Leave();
        }
    }

    private async ValueTask<ConnectResult> TryAddressAsync(EndPoint endPoint, long start, CancellationToken cancellationToken)
    {
        var (attempt, connection) = await AttemptAsync(endPoint, Options.ConnectTimeout, cancellationToken);
        return Result(attempt, [attempt], connection, start);
    }

    private async ValueTask<ConnectResult> TryAddressesAsync(DnsEndPoint name, IPAddress[] addresses, long start, CancellationToken cancellationToken)
    {
        var attempts = new List<ConnectAttempt>(addresses.Length);
        foreach (var address in addresses)
        {
            // The last address has all that is left, each before it only its share, so that one that is dead leaves time for the others.
            var left = Left(start);
            if (left == TimeSpan.Zero) return new ConnectResult(ConnectOutcome.TimedOut, attempts.Count == 0 ? name : attempts[^1].EndPoint, attempts) { Elapsed = Since(start) };
            var share = left == Timeout.InfiniteTimeSpan ? left : left / (addresses.Length - attempts.Count);
            var (attempt, connection) = await AttemptAsync(new IPEndPoint(address, name.Port), share, cancellationToken);
            attempts.Add(attempt);
            if (attempt.Outcome is ConnectOutcome.Connected or ConnectOutcome.Canceled) return Result(attempt, attempts, connection, start);
        }

        return Result(attempts[^1], attempts, connection: null, start);
    }

    private async ValueTask<(ConnectAttempt Attempt, Connection? Connection)> AttemptAsync(EndPoint endPoint, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var start = Loop.Kernel.Timestamp;
        PendingConnect.End end = default;
        var tries = Options.LocalEndPoint is IPEndPoint { Port: not 0 } ? 1 : MostSelfConnects;
        for (var i = 0; i < tries; i++)
        {
            if (cancellationToken.IsCancellationRequested || Loop.IsStopping)
            {
                end = new PendingConnect.End(ConnectOutcome.Canceled);
                break;
            }

            var pending = Loop.PendingConnects.Get();
            end = await pending.ConnectAsync(endPoint, Options, timeout, cancellationToken);
            Loop.PendingConnects.Return(pending);
            if (!end.IsSelfConnect) break;
        }

        var attempt = new ConnectAttempt
        {
            EndPoint = endPoint,
            Outcome = end.Outcome,
            Errno = end.Errno,
            Syscall = end.Syscall,
            IsImmediate = end.IsImmediate,
            Elapsed = Since(start),
        };
        return (attempt, end.Connection);
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

    private ConnectResult Result(ConnectAttempt last, IReadOnlyList<ConnectAttempt> attempts, Connection? connection, long start) =>
        new(last.Outcome, last.EndPoint, attempts)
        {
            Errno = last.Errno,
            Syscall = last.Syscall,
            Elapsed = Since(start),
            Connection = connection,
        };

    // What Task can wait for ends at some 49 days.
    private static TimeSpan WaitTimeout(TimeSpan timeout) => timeout.TotalMilliseconds < int.MaxValue ? timeout : Timeout.InfiniteTimeSpan;

    private TimeSpan Left(long start)
    {
        if (Options.ConnectTimeout == Timeout.InfiniteTimeSpan) return Timeout.InfiniteTimeSpan;
        var left = Options.ConnectTimeout - Since(start);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private TimeSpan Since(long start) => TimeSpan.FromTicks((Loop.Kernel.Timestamp - start) / TimeSpan.NanosecondsPerTick);
}
