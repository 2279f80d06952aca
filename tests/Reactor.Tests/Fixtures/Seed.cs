using System.Globalization;

namespace Reactor.Tests.Fixtures;

/// <summary>The randomness of a test: its seed is printed, and taken back from <c>REACTOR_TEST_SEED</c>.</summary>
internal static class Seed
{
    public const string Variable = "REACTOR_TEST_SEED";

    public static Random NewRandom()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable(Variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out var given)
            ? given
            : Environment.TickCount;
        TestContext.Out.WriteLine($"{Variable}={seed.ToString(CultureInfo.InvariantCulture)}");
        return new Random(seed);
    }
}
