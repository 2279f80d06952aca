using Reactor.Load;

namespace Reactor.Tool.Tests;

public sealed class LatencyHistogramTests
{
    [Test]
    public void An_empty_histogram_is_all_zero()
    {
        var histogram = new LatencyHistogram();

        Assert.That(LatencySummary.Of(histogram), Is.EqualTo(new LatencySummary(0, 0, 0, 0, 0, 0, 0, 0)));
    }

    [Test]
    public void One_latency_is_every_percentile_of_itself()
    {
        var histogram = new LatencyHistogram();
        histogram.RecordNanoseconds(123_456_789);

        Assert.That(new[] { 0, 50, 99.9, 100 }.Select(histogram.Percentile), Is.All.EqualTo(123_456_789));
    }

    [Test]
    public void Every_percentile_is_less_than_one_per_cent_off([Values(1, 7, 1_000, 1_000_000, 60_000_000_000)] long scale)
    {
        var random = new Random(9523);
        var latencies = Enumerable.Range(0, 20_000).Select(_ => (long)(scale * Math.Exp(3 * random.NextDouble()))).ToArray();
        var histogram = new LatencyHistogram();
        foreach (var latency in latencies)
            histogram.RecordNanoseconds(latency);
        Array.Sort(latencies);

        foreach (var percent in (double[])[1, 10, 50, 90, 99, 99.9])
        {
            var exact = latencies[(int)Math.Ceiling(percent / 100 * latencies.Length) - 1];
            Assert.That(histogram.Percentile(percent), Is.EqualTo(exact).Within(1).Percent, $"the {percent}th percentile");
        }
    }

    [Test]
    public void Smallest_and_largest_are_exact()
    {
        var histogram = new LatencyHistogram();
        foreach (var latency in (long[])[1_000_003, 5_000_011, 9_000_049])
            histogram.RecordNanoseconds(latency);

        Assert.That((histogram.Min, histogram.Percentile(0), histogram.Percentile(100), histogram.Max),
            Is.EqualTo((1_000_003, 1_000_003, 9_000_049, 9_000_049)));
    }

    [Test]
    public void A_latency_of_days_is_kept_as_the_largest()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(TimeSpan.FromMilliseconds(1));
        histogram.Record(TimeSpan.FromDays(30));

        Assert.That(histogram.Max, Is.EqualTo(30L * 24 * 60 * 60 * 1_000_000_000));
        Assert.That(histogram.Percentile(50), Is.EqualTo(1_000_000).Within(1).Percent);
    }

    [Test]
    public void A_latency_longer_than_a_long_of_nanoseconds_does_not_overflow()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(TimeSpan.MaxValue);
        histogram.Record(TimeSpan.MaxValue);

        Assert.That(histogram.Max, Is.EqualTo(long.MaxValue));
        Assert.That(histogram.Mean, Is.EqualTo(long.MaxValue).Within(1).Percent);
    }

    [Test]
    public void A_clock_that_went_back_counts_as_no_time()
    {
        var histogram = new LatencyHistogram();
        histogram.RecordNanoseconds(-5);

        Assert.That((histogram.Count, histogram.Min, histogram.Max), Is.EqualTo((1, 0, 0)));
    }

    [Test]
    public void Recording_allocates_nothing()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(TimeSpan.FromMilliseconds(1));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++)
            histogram.RecordNanoseconds(i * 977L);

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void Two_histograms_add_up()
    {
        var (one, other) = (new LatencyHistogram(), new LatencyHistogram());
        one.RecordNanoseconds(10);
        other.RecordNanoseconds(20);
        other.RecordNanoseconds(5);
        one.Add(other);
        one.Add(new LatencyHistogram());

        Assert.That((one.Count, one.Min, one.Percentile(50), one.Max), Is.EqualTo((3, 5, 10, 20)));
    }

    [Test]
    public void A_percentile_outside_0_to_100_is_refused([Values(-1, 100.5, double.NaN)] double percent) =>
        Assert.That(() => new LatencyHistogram().Percentile(percent), Throws.InstanceOf<ArgumentOutOfRangeException>());
}
