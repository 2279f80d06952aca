using Reactor.Perf.Regression;

namespace Reactor.Tool.Tests;

/// <summary>The statistics of <c>perf/run --compare</c>.</summary>
public sealed class PairedRatioTests
{
    // The ranks stand in any table of confidence limits for a median.
    [TestCase(6, 1, 0.96875)]
    [TestCase(7, 1, 0.984375)]
    [TestCase(8, 1, 0.9921875)]
    [TestCase(9, 2, 0.9609375)]
    [TestCase(10, 2, 0.978515625)]
    [TestCase(12, 3, 0.96142578125)]
    [TestCase(15, 4, 0.96484375)]
    [TestCase(20, 6, 0.9586105)]
    [TestCase(50, 18, 0.9671609)]
    public void The_interval_lies_between_the_ranks_of_the_sign_test(int pairs, int rank, double confidence)
    {
        var ratio = PairedRatio.Of(Enumerable.Range(1, pairs).Select(each => (double)each));

        Assert.That((ratio.Pairs, ratio.Low, ratio.High), Is.EqualTo((pairs, (double)rank, (double)(pairs + 1 - rank))));
        Assert.That(ratio.Confidence, Is.EqualTo(confidence).Within(1e-6));
    }

    [Test]
    public void The_interval_holds_the_true_median_as_often_as_it_says([Range(6, 15)] int pairs)
    {
        // The true median is 1, and each pair is above it or below it with the same chance: every pattern counts once.
        var held = 0;
        double? confidence = null;
        for (var pattern = 0; pattern < 1 << pairs; pattern++)
        {
            var bits = pattern;
            var ratio = PairedRatio.Of(Enumerable.Range(0, pairs).Select(pair => (bits >> pair & 1) == 0 ? 1 + (pair + 1) / 100.0 : 1 / (1 + (pair + 1) / 100.0)));
            held += ratio is { Low: < 1, High: > 1 } ? 1 : 0;
            confidence = ratio.Confidence;
        }

        Assert.That((double)held / (1 << pairs), Is.EqualTo(confidence).Within(1e-12).And.GreaterThanOrEqualTo(0.95));
    }

    [Test]
    public void Five_pairs_have_a_median_and_no_interval()
    {
        var ratio = PairedRatio.Of([1.30, 1.10, 1.20, 1.50, 1.40]);

        Assert.That((ratio.Pairs, ratio.Median, ratio.Low, ratio.High, ratio.Confidence), Is.EqualTo((5, (double?)1.30, (double?)null, (double?)null, (double?)null)).Within(1e-12));
        Assert.That(ratio.Judge(0.03), Is.EqualTo(Verdict.TooFewPairs));
    }

    [Test]
    public void No_pair_at_all_says_nothing()
    {
        var ratio = PairedRatio.Of([]);

        Assert.That((ratio.Pairs, ratio.Median, ratio.Low), Is.EqualTo((0, (double?)null, (double?)null)));
        Assert.That(ratio.Judge(0.03), Is.EqualTo(Verdict.TooFewPairs));
    }

    [Test]
    public void A_median_between_two_pairs_is_their_geometric_mean()
    {
        Assert.That(PairedRatio.Of([0.5, 2]).Median, Is.EqualTo(1).Within(1e-12));
    }

    [Test]
    public void Pairs_around_one_show_no_difference()
    {
        Assert.That(PairedRatio.Of([0.98, 1.01, 1.00, 0.99, 1.02, 1.00, 0.97, 1.03, 1.01]).Judge(0.03), Is.EqualTo(Verdict.NoDifferenceShown));
    }

    [Test]
    public void Each_of_the_pairs_beyond_the_threshold_but_the_one_outside_the_interval_is_a_regression()
    {
        // The second smallest of nine is where the interval begins.
        double[] pairs = [0.70, 1.031, 1.05, 1.06, 1.07, 1.05, 1.06, 1.08, 1.09];

        Assert.That(PairedRatio.Of(pairs).Judge(0.03), Is.EqualTo(Verdict.Regression));
        Assert.That(PairedRatio.Of(pairs).Judge(0.031), Is.EqualTo(Verdict.NoDifferenceShown), "the interval only touches the threshold");
        Assert.That(PairedRatio.Of([0.71, .. pairs[..1], .. pairs[2..]]).Judge(0.03), Is.EqualTo(Verdict.NoDifferenceShown), "two of nine are below");
    }

    [Test]
    public void A_dearer_median_with_a_wide_interval_is_no_regression()
    {
        var ratio = PairedRatio.Of([0.90, 0.95, 1.00, 1.10, 1.20, 1.20, 1.30, 1.30, 1.40]);

        Assert.That((ratio.Median, ratio.Judge(0.03)), Is.EqualTo((1.20, Verdict.NoDifferenceShown)));
    }

    [Test]
    public void A_difference_that_is_certain_and_smaller_than_the_threshold_is_none()
    {
        var ratio = PairedRatio.Of(Enumerable.Range(0, 9).Select(pair => 1.010 + pair / 1000.0));

        Assert.That((ratio.Judge(0.03), ratio.Judge(0.01)), Is.EqualTo((Verdict.NoDifferenceShown, Verdict.Regression)));
    }

    [Test]
    public void With_the_sides_swapped_everything_is_its_reciprocal([Values(6, 9, 10)] int pairs)
    {
        var ratios = Enumerable.Range(0, pairs).Select(pair => 1.04 + pair / 100.0).ToList();
        var ratio = PairedRatio.Of(ratios);
        var swapped = PairedRatio.Of(ratios.Select(each => 1 / each));

        Assert.That(swapped.Median, Is.EqualTo(1 / ratio.Median).Within(1e-12));
        Assert.That((swapped.Low, swapped.High), Is.EqualTo((1 / ratio.High, 1 / ratio.Low)).Within(1e-12));
        Assert.That((ratio.Judge(0.03), swapped.Judge(0.03)), Is.EqualTo((Verdict.Regression, Verdict.Improvement)));
    }

    [Test]
    public void The_order_of_the_pairs_is_of_no_consequence()
    {
        double[] pairs = [1.01, 1.09, 0.97, 1.04, 1.02, 1.30, 0.99, 1.00, 1.03];

        Assert.That(PairedRatio.Of(pairs.Reverse()), Is.EqualTo(PairedRatio.Of(pairs.Order())));
    }
}
