using System.Diagnostics;
using System.Numerics;

namespace Reactor.Load;

/// <summary>
/// Counts latencies in buckets that are linear within each power of two, so that a percentile is off by less than one
/// per cent from nanoseconds to hours. Recording allocates nothing. Not thread-safe: one thread records and reads.
/// </summary>
public sealed class LatencyHistogram
{
    // 128 buckets a power of two: a bucket is at most 1/128 of its value wide, and its middle at most 0.4 % off.
    private const int BucketBits = 7;
    private const int BucketsPerOctave = 1 << BucketBits;

    // 2^45 ns are nine hours and three quarters. What took longer is counted in the last bucket; Max still has it exactly.
    private const int LargestBits = 45;
    private const int BucketCount = (LargestBits - BucketBits + 1) * BucketsPerOctave;
    private const long NanosecondsPerTick = 100;

    private readonly long[] _buckets = new long[BucketCount];
    private double _sum;

    /// <summary>How many latencies were recorded.</summary>
    public long Count { get; private set; }

    /// <summary>The smallest one in nanoseconds, exactly; 0 when there is none.</summary>
    public long Min { get; private set; }

    /// <summary>The largest one in nanoseconds, exactly; 0 when there is none.</summary>
    public long Max { get; private set; }

    /// <summary>Their mean in nanoseconds; 0 when there is none.</summary>
    public double Mean => Count == 0 ? 0 : _sum / Count;

    /// <summary>Records a latency; a negative one, which only a clock that went back can give, counts as 0.</summary>
    /// <param name="latency">How long it took.</param>
    public void Record(TimeSpan latency) =>
        RecordNanoseconds(latency.Ticks > long.MaxValue / NanosecondsPerTick ? long.MaxValue : latency.Ticks * NanosecondsPerTick);

    /// <summary>Records a latency in nanoseconds.</summary>
    /// <param name="nanoseconds">How long it took.</param>
    public void RecordNanoseconds(long nanoseconds)
    {
        nanoseconds = Math.Max(nanoseconds, 0);
        _buckets[BucketOf(nanoseconds)]++;
        Min = Count == 0 ? nanoseconds : Math.Min(Min, nanoseconds);
        Max = Math.Max(Max, nanoseconds);
        _sum += nanoseconds;
        Count++;
    }

    /// <summary>Adds all that another histogram has recorded.</summary>
    /// <param name="other">The other histogram; it stays as it is.</param>
    public void Add(LatencyHistogram other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Count == 0)
            return;
        for (var i = 0; i < BucketCount; i++)
            _buckets[i] += other._buckets[i];
        Min = Count == 0 ? other.Min : Math.Min(Min, other.Min);
        Max = Math.Max(Max, other.Max);
        _sum += other._sum;
        Count += other.Count;
    }

    /// <summary>The latency in nanoseconds that this share of the recorded ones did not exceed.</summary>
    /// <param name="percent">From 0, which is <see cref="Min"/>, to 100, which is <see cref="Max"/>.</param>
    /// <returns>The latency, less than one per cent off; 0 when none was recorded.</returns>
    public long Percentile(double percent)
    {
        if (!(percent is >= 0 and <= 100))
            throw new ArgumentOutOfRangeException(nameof(percent), percent, "A percentile is between 0 and 100.");
        if (Count == 0)
            return 0;

        var rank = Math.Clamp((long)Math.Ceiling(percent / 100 * Count), 1, Count);
        // The first and the last are known exactly; a bucket's middle would only blur them.
        if (percent == 0 || rank == Count)
            return percent == 0 ? Min : Max;

        var seen = 0L;
        var bucket = 0;
        while ((seen += _buckets[bucket]) < rank)
            bucket++;
        return Math.Clamp(MiddleOf(bucket), Min, Max);
    }

    private static int BucketOf(long nanoseconds)
    {
        if (nanoseconds < BucketsPerOctave)
            return (int)nanoseconds;
        var octave = BitOperations.Log2((ulong)nanoseconds) - BucketBits;
        // The value's top eight bits run from 128 to 255; the leading one is told by the octave already.
        var index = octave * BucketsPerOctave + (int)(nanoseconds >> octave);
        return Math.Min(index, BucketCount - 1);
    }

    private static long MiddleOf(int bucket)
    {
        if (bucket < 2 * BucketsPerOctave)
            return bucket;
        var octave = bucket / BucketsPerOctave - 1;
        var lowest = (long)(bucket - octave * BucketsPerOctave) << octave;
        Debug.Assert(BucketOf(lowest) == bucket, "A bucket's lowest value belongs to it.");
        return lowest + (1L << octave) / 2;
    }
}
