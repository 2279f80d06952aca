using System.Globalization;

namespace Reactor.Tests;

/// <summary>How long the long runs last: short by default, as long as <c>REACTOR_TEST_CHURN_SECONDS</c> says where somebody has the time.</summary>
internal static class LongRunTime
{
    public const string Variable = "REACTOR_TEST_CHURN_SECONDS";

    private const double DefaultSeconds = 5;

    /// <summary>Five seconds when nothing is asked for: the suite stays short, and every kind of conversation and every operation has its turn a hundred times.</summary>
    public static TimeSpan Given { get; } =
        double.TryParse(Environment.GetEnvironmentVariable(Variable), NumberStyles.Float, CultureInfo.InvariantCulture, out var given) && given > 0
            ? TimeSpan.FromSeconds(given)
            : TimeSpan.FromSeconds(DefaultSeconds);
}
