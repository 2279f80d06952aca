namespace Reactor;

/// <summary>
/// When and how often to dial again, always on a fresh socket. The pauses are random between zero and a ceiling that doubles
/// with each try ("full jitter"), so that many clients do not come back all at once.
/// </summary>
public sealed record ConnectRetryOptions
{
    /// <summary>The most tries in all, the first included, 1 or more. Default: 3.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int Attempts
    {
        get;
        init => field = ConnectionOptions.AtLeast(1, value);
    } = 3;

    /// <summary>The ceiling of the first pause; it doubles for each further one. Default: 100 ms.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan InitialDelay
    {
        get;
        init => field = ConnectionOptions.Positive(value);
    } = TimeSpan.FromMilliseconds(100);

    /// <summary>What the ceiling does not grow beyond. Default: 10 seconds.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan MaxDelay
    {
        get;
        init => field = ConnectionOptions.Positive(value);
    } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether the result of a try is worth another; called on the loop while tries are left, for every one but connected and cancelled. Default:
    /// <see cref="IsTransient(ConnectResult)"/>.
    /// </summary>
    public Func<ConnectResult, bool> ShouldRetry { get; init; } = IsTransient;

    /// <summary>
    /// Whether time alone may mend it, for one of its addresses at least: refused, timed out, no port left to dial from, a
    /// Unix-domain listener's backlog full, descriptors or memory run out. That there is no route is not.
    /// </summary>
    /// <param name="result">The result of one try.</param>
    public static bool IsTransient(ConnectResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return result.Outcome == ConnectOutcome.TimedOut || result.Attempts.Any(IsTransient);
    }

    private static bool IsTransient(ConnectAttempt attempt) => attempt switch
    {
        { Outcome: ConnectOutcome.Refused or ConnectOutcome.TimedOut } => true,

        // From bind(2) EADDRNOTAVAIL means that the address is not ours, and it will not be by waiting.
        { Outcome: ConnectOutcome.AddressUnavailable } => attempt is { Errno: Errno.EADDRINUSE or Errno.EAGAIN } or { Syscall: "connect" },
        _ => attempt.Errno is Errno.EAGAIN or Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM,
    };

    /// <summary>The pause after so many tries.</summary>
    /// <param name="tries">Tries so far, 1 or more.</param>
    /// <param name="random">Where between nothing and the ceiling: 0 to 1.</param>
    internal TimeSpan Pause(int tries, double random)
    {
        // 2^62 ticks are thousands of years: beyond that doubling says nothing, and would overflow.
        var ceiling = Math.Min(InitialDelay.Ticks * Math.Pow(2, Math.Min(tries - 1, 62)), MaxDelay.Ticks);
        return TimeSpan.FromTicks((long)(random * ceiling));
    }
}
