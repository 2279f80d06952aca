namespace Reactor.Perf.Regression;

/// <summary>
/// What one side costs over the other, from measurements in pairs: the median ratio, and the interval that holds the true
/// median with at least 95 % confidence.
/// </summary>
/// <remarks>
/// The interval is the sign test's: it runs from the k-th smallest ratio to the k-th greatest, with k as great as the
/// binomial distribution allows. All that it takes for granted is that each pair, whatever the others are, is as likely
/// above the true median as below; neighbours on the machine may make the noise as wild and as lopsided as they like. A
/// bootstrap of the median would come to the same two ranks at 9 and 15 pairs, but to narrower ones that hold the truth only
/// 87 % of the time at 7 and 91 % at 13.
/// </remarks>
internal sealed record PairedRatio
{
    /// <summary>With fewer, even the smallest and the greatest ratio are no 95 % apart: 1 - 2 / 2^5 is 94 %.</summary>
    public const int FewestPairs = 6;

    private const double MostMissed = 0.05;

    public required int Pairs { get; init; }

    /// <summary>Missing exactly when there is no pair.</summary>
    public double? Median { get; private init; }

    /// <summary>Missing exactly when there are fewer than <see cref="FewestPairs"/>, as are the three below.</summary>
    public double? Low { get; private init; }

    public double? High { get; private init; }

    /// <summary>How often such an interval holds the true median: the least that ranks can give from 0.95 on.</summary>
    public double? Confidence { get; private init; }

    public static PairedRatio Of(IEnumerable<double> ratios)
    {
        var sorted = ratios.Order().ToList();
        var count = sorted.Count;
        if (count == 0)
            return new PairedRatio { Pairs = 0 };

        // The mean of ratios is the geometric one: with the two sides swapped all of this turns into its reciprocal.
        var ratio = new PairedRatio { Pairs = count, Median = Math.Sqrt(sorted[(count - 1) / 2] * sorted[count / 2]) };
        if (count < FewestPairs)
            return ratio;
        var (rank, missed) = Rank(count);
        return ratio with { Low = sorted[rank - 1], High = sorted[count - rank], Confidence = 1 - missed };
    }

    /// <summary>The threshold is a share: 0.03 lets the cost grow by 3 %, and calls what it shrank by as much an improvement.</summary>
    public Verdict Judge(double threshold) => this switch
    {
        { Low: null } => Verdict.TooFewPairs,
        { Low: var low } when low > 1 + threshold => Verdict.Regression,
        { High: var high } when high < 1 / (1 + threshold) => Verdict.Improvement,
        _ => Verdict.NoDifferenceShown,
    };

    // An interval from the k-th to the k-th from the end misses when fewer than k of the pairs are on one side of the truth.
    private static (int Rank, double Missed) Rank(int count)
    {
        var patterns = Math.Pow(2, count);
        var (rank, missed, choose) = (0, 0.0, 1.0);
        while (missed + (2 * choose / patterns) is var next && next <= MostMissed)
        {
            (rank, missed) = (rank + 1, next);
            choose = choose * (count - rank + 1) / rank;
        }

        return (rank, missed);
    }
}
