namespace Reactor.Testing;

/// <summary>
/// How often each kind of fault happens by chance. All chance comes from the seed: the same sequence of calls meets the same
/// faults, so a loop's run is replayed as far as its events come in the same order.
/// </summary>
/// <remarks>
/// A rate is a probability from 0, never, to 1, always. At 1 nothing ever gets done where the call is simply tried again, as after
/// <c>EINTR</c>.
/// </remarks>
/// <param name="Seed">Where the chances start from.</param>
public sealed record FaultRates(int Seed)
{
    /// <summary><c>EINTR</c> from accept, connect, the receives, the sends and the poller's wait.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not from 0 to 1.</exception>
    public double Interrupted
    {
        get;
        init => field = Probability(value);
    }

    /// <summary>A receive, peek or send moves fewer bytes than it could, at least one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not from 0 to 1.</exception>
    public double CutShort
    {
        get;
        init => field = Probability(value);
    }

    /// <summary>
    /// Something comes later, by up to <see cref="LongestDelay"/>: an accept, receive or send is answered <c>EAGAIN</c> first, a
    /// connect takes its time, an event is held back.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not from 0 to 1.</exception>
    public double Late
    {
        get;
        init => field = Probability(value);
    }

    /// <summary>A wait also gives an event for nothing: any readiness, for any registered socket.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not from 0 to 1.</exception>
    public double Spurious
    {
        get;
        init => field = Probability(value);
    }

    /// <summary>
    /// A call fails for good, with one of the errors that it is known for when descriptors, memory, ports or the peer are gone. Calls
    /// that fail only by mistake of the caller are left alone.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not from 0 to 1.</exception>
    public double Fails
    {
        get;
        init => field = Probability(value);
    }

    /// <summary>The most by which something is late, more than zero, by the clock of the kernel underneath. Default: 5 ms.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan LongestDelay
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromMilliseconds(5);

    private static double Probability(double value)
    {
        // Written so that it refuses what is no number.
        if (!(value >= 0 && value <= 1)) throw new ArgumentOutOfRangeException(nameof(value), value, "A probability is from 0 to 1.");
        return value;
    }
}
