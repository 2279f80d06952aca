namespace Reactor.Load;

/// <summary>The percentiles of a <see cref="LatencyHistogram"/>, in milliseconds.</summary>
/// <param name="Count">How many latencies were recorded.</param>
/// <param name="MinMs">The smallest.</param>
/// <param name="MeanMs">The mean.</param>
/// <param name="P50Ms">The median.</param>
/// <param name="P90Ms">What 90 % did not exceed.</param>
/// <param name="P99Ms">What 99 % did not exceed.</param>
/// <param name="P999Ms">What 99.9 % did not exceed.</param>
/// <param name="MaxMs">The largest.</param>
public sealed record LatencySummary(
    long Count, double MinMs, double MeanMs, double P50Ms, double P90Ms, double P99Ms, double P999Ms, double MaxMs)
{
    /// <summary>Sums up a histogram.</summary>
    /// <param name="histogram">The histogram.</param>
    /// <returns>Its summary.</returns>
    public static LatencySummary Of(LatencyHistogram histogram)
    {
        ArgumentNullException.ThrowIfNull(histogram);
        return new LatencySummary(
            histogram.Count,
            Milliseconds(histogram.Min),
            Milliseconds(histogram.Mean),
            Milliseconds(histogram.Percentile(50)),
            Milliseconds(histogram.Percentile(90)),
            Milliseconds(histogram.Percentile(99)),
            Milliseconds(histogram.Percentile(99.9)),
            Milliseconds(histogram.Max));

        static double Milliseconds(double nanoseconds) => nanoseconds / 1_000_000;
    }
}
