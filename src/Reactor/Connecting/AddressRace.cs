using System.Net;
using System.Runtime.ExceptionServices;

namespace Reactor;

/// <summary>
/// Dials the addresses of a name side by side, each a little after the one before: Happy Eyeballs (RFC 8305). The first to
/// connect wins, the others are closed at once, and one that fails starts the next without delay.
/// </summary>
/// <remarks>
/// The RFC's asynchronous queries (section 3) do not apply: getaddrinfo(3) gives both families together, sorted by RFC 6724.
/// On the loop only, and for one dial.
/// </remarks>
internal sealed class AddressRace
{
    // "MUST NOT be less than 10 milliseconds" (RFC 8305, 5).
    internal static readonly TimeSpan LeastDelay = TimeSpan.FromMilliseconds(10);

    private readonly Connector _connector;
    private readonly IReadOnlyList<IPAddress> _addresses;
    private readonly DnsEndPoint _name;
    private readonly long _start;
    private readonly CancellationTokenSource _ended;
    private readonly LoopTimer _next;
    private readonly ConnectAttempt?[] _attempts;

    // Done when no attempt is under way any more, not when one has won: the result lists how each one ended.
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private int _begun;
    private int _underWay;
    private bool _isBeginning;

    // The attempt whose end is the result's. Null while none has ended.
    private ConnectAttempt? _telling;
    private Connection? _winner;
    private ExceptionDispatchInfo? _error;

    internal AddressRace(Connector connector, DnsEndPoint name, IReadOnlyList<IPAddress> addresses, long start, CancellationToken cancellationToken)
    {
        _connector = connector;
        _addresses = Interleave(addresses);
        _name = name;
        _start = start;
        _attempts = new ConnectAttempt?[_addresses.Count];
        _ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _next = new LoopTimer(connector.Loop, static race => ((AddressRace)race!).Begin(), this);
    }

    private bool IsOver => _winner is not null || _begun == _addresses.Count || _ended.IsCancellationRequested || _connector.Loop.IsStopping;

    /// <summary>Races.</summary>
    internal async ValueTask<ConnectResult> RunAsync()
    {
        Begin();
        await _done.Task;
        _next.Cancel();
        _ended.Dispose();
        if (_error is not null)
        {
            _winner?.Abort();
            _error.Throw();
        }

        ConnectAttempt[] attempts = [.. _attempts.OfType<ConnectAttempt>()];
        if (_winner is null && _begun < _addresses.Count && IsOver)
        {
            // Cancelled with addresses left, whatever became of those before.
            return new ConnectResult(ConnectOutcome.Canceled, _telling?.EndPoint ?? _name, attempts) { Elapsed = _connector.Since(_start) };
        }

        return Connector.Result(_telling!, attempts, _winner, _connector.Since(_start));
    }

    /// <summary>The families by turns, beginning with that of the first, each in its own order (RFC 8305, 4); an address that comes again is left out.</summary>
    internal static IReadOnlyList<IPAddress> Interleave(IReadOnlyList<IPAddress> addresses)
    {
        var families = addresses.Distinct().GroupBy(static address => address.AddressFamily).Select(static family => new Queue<IPAddress>(family)).ToArray();
        var interleaved = new List<IPAddress>(addresses.Count);
        for (var i = 0; families.Any(static family => family.Count > 0); i++)
        {
            if (families[i % families.Length].TryDequeue(out var address)) interleaved.Add(address);
        }

        return interleaved;
    }

    // Those that fail at once are gone through here and not one inside the other: there may be a thousand.
    private void Begin()
    {
        if (_isBeginning) return;
        _isBeginning = true;
        var ended = Task.CompletedTask;
        while (ended.IsCompleted && !IsOver)
        {
            var left = _connector.Left(_start);
            if (left == TimeSpan.Zero && _begun > 0) break;
            var share = left == Timeout.InfiniteTimeSpan ? left : left / (_addresses.Count - _begun);
            var isOneByOne = _connector.Options.AttemptDelay == Timeout.InfiniteTimeSpan;
            ended = AttemptAsync(_begun++, isOneByOne ? share : left);
            if (!isOneByOne && !ended.IsCompleted) RestartDelay(share);
        }

        _isBeginning = false;
        if (_underWay == 0) _done.TrySetResult();
    }

    // With many addresses and little time they follow each other faster, so that the last one still has its share.
    private void RestartDelay(TimeSpan share)
    {
        var delay = _connector.Options.AttemptDelay;
        if (share != Timeout.InfiniteTimeSpan && share < delay) delay = share > LeastDelay ? share : LeastDelay;
        _next.Restart(delay);
    }

    private async Task AttemptAsync(int index, TimeSpan timeout)
    {
        _underWay++;
        try
        {
            var (attempt, connection) = await _connector.AttemptAsync(new IPEndPoint(_addresses[index], _name.Port), timeout, _ended.Token);
            OnEnded(index, attempt, connection);
        }
        catch (Exception exception)
        {
            // No outcome but a mistake, such as an address to dial from that cannot be one: the caller's to hear.
            _error ??= ExceptionDispatchInfo.Capture(exception);
            _ended.Cancel();
        }

        _underWay--;
        Begin();
    }

    private void OnEnded(int index, ConnectAttempt attempt, Connection? connection)
    {
        if (_winner is not null)
        {
            // It may have connected in the very turn in which another had won.
            connection?.Abort();
            _attempts[index] = connection is null ? attempt : attempt with { Outcome = ConnectOutcome.Canceled };
            return;
        }

        _attempts[index] = attempt;

        // That there is no route for one family says less than what became of the other.
        if (_telling is null || _telling.IsImmediate || !attempt.IsImmediate) _telling = attempt;
        if (connection is null) return;
        _winner = connection;
        _ended.Cancel();
    }
}
