using System.Text.Json.Serialization;

namespace Reactor.Perf.Regression;

/// <summary>What the pairs of one scenario say.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Verdict>))]
internal enum Verdict
{
    /// <summary>Too few of the pairs were good for an interval, so nothing is said either way.</summary>
    [JsonStringEnumMemberName("too few pairs")]
    TooFewPairs,

    [JsonStringEnumMemberName("no difference shown")]
    NoDifferenceShown,

    /// <summary>The whole interval lies below the threshold.</summary>
    [JsonStringEnumMemberName("improvement")]
    Improvement,

    /// <summary>The whole interval lies above the threshold.</summary>
    [JsonStringEnumMemberName("regression")]
    Regression,
}
