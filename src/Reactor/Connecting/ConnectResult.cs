using System.Globalization;
using System.Net;

namespace Reactor;

/// <summary>How a dial ended: a value, so that refused connects by the thousand cost no exception each.</summary>
public sealed class ConnectResult
{
    internal ConnectResult(ConnectOutcome outcome, EndPoint endPoint, IReadOnlyList<ConnectAttempt> attempts)
    {
        Outcome = outcome;
        EndPoint = endPoint;
        Target = endPoint;
        Attempts = attempts;
    }

    /// <summary>
    /// How it ended. With several addresses: connected, or how the one did that ended last, of those of which the network was
    /// asked if there were any.
    /// </summary>
    public ConnectOutcome Outcome { get; }

    /// <summary>What the system said; <see cref="Errno.None"/> when it said nothing: connected, our own timeout, cancelled, not resolved.</summary>
    public Errno Errno { get; init; }

    /// <summary>The call that failed, as its man page names it; null when none did.</summary>
    public string? Syscall { get; init; }

    /// <summary>What was dialled: a name, or an address.</summary>
    public EndPoint Target { get; internal set; }

    /// <summary>The address that <see cref="Outcome"/> is about, or the target when none was.</summary>
    public EndPoint EndPoint { get; }

    /// <summary>Where the last address was dialled from; see <see cref="ConnectAttempt.LocalEndPoint"/>.</summary>
    public EndPoint? LocalEndPoint { get; init; }

    /// <summary>
    /// From the start of the dial on, with the resolving of a name, without the wait for a place (<see cref="ConnectOptions.MaxInFlight"/>,
    /// <see cref="ConnectOptions.ConnectsPerSecond"/>). With more than one try (<see cref="ConnectOptions.Retry"/>) all of it, waits and pauses too.
    /// </summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Every address that was tried, in the order in which they were begun; after retries those of all tries.</summary>
    public IReadOnlyList<ConnectAttempt> Attempts { get; }

    /// <summary>The connection: not null exactly when <see cref="Outcome"/> is <see cref="ConnectOutcome.Connected"/>. It belongs to the caller.</summary>
    public Connection? Connection { get; init; }

    /// <summary>What the resolver threw; not null exactly when <see cref="Outcome"/> is <see cref="ConnectOutcome.ResolveFailed"/>.</summary>
    public Exception? ResolveException { get; init; }

    /// <summary>Whether there is a connection.</summary>
    public bool IsConnected => Outcome == ConnectOutcome.Connected;

    /// <summary>One sentence with the call, the errno, the address and the time.</summary>
    public override string ToString()
    {
        var what = this switch
        {
            // What bind(2) refuses is the address to dial from.
            { Errno: not Errno.None, Syscall: "bind", LocalEndPoint: { } local } => $"{ErrnoText.Describe("bind", local, Errno)}, to dial {ErrnoText.Describe(EndPoint)}",
            { Errno: not Errno.None } => ErrnoText.Describe(Syscall ?? "connect", EndPoint, Errno),
            { ResolveException: { } exception } => $"getaddrinfo {ErrnoText.Describe(EndPoint)}: {exception.Message}",
            _ => $"{Syscall ?? "connect"} {ErrnoText.Describe(EndPoint)}: {Outcome}",
        };
        var which = this switch
        {
            { Attempts.Count: > 1 } => string.Create(CultureInfo.InvariantCulture, $", one of {Attempts.Count} attempts at {ErrnoText.Describe(Target)}"),
            { Attempts.Count: 1, Target: DnsEndPoint name } => $" for {ErrnoText.Describe(name)}",
            _ => "",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{what}{which}, after {Elapsed.TotalMilliseconds:0.###} ms");
    }

    /// <summary>The result as an exception.</summary>
    /// <exception cref="InvalidOperationException">It is connected.</exception>
    public ConnectException ToException() => IsConnected ? throw new InvalidOperationException("It is connected.") : new ConnectException(this);

    /// <summary>The connection, or why there is none as an exception.</summary>
    internal Connection ToConnection(CancellationToken cancellationToken)
    {
        if (Connection is not null) return Connection;
        if (Outcome == ConnectOutcome.Canceled) cancellationToken.ThrowIfCancellationRequested();
        throw ToException();
    }

    /// <summary>This result as that of a dial which had another try before.</summary>
    internal ConnectResult After(ConnectResult former, TimeSpan elapsed) => new(Outcome, EndPoint, [.. former.Attempts, .. Attempts])
    {
        Errno = Errno,
        Syscall = Syscall,
        LocalEndPoint = LocalEndPoint,
        Connection = Connection,
        ResolveException = ResolveException,
        Elapsed = elapsed,
    };
}
