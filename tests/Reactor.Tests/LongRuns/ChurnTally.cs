using System.Collections.Concurrent;
using System.Globalization;

namespace Reactor.Tests;

/// <summary>How many conversations of each kind ended how.</summary>
internal sealed class ChurnTally
{
    private readonly ConcurrentDictionary<(string Kind, string Outcome), Number> _counts = new();

    public long Conversations => _counts.Values.Sum(static count => count.Value);

    public void Add(string kind, string outcome) => _counts.GetOrAdd((kind, outcome), static _ => new Number()).Increment();

    public long OfKind(string kind) => _counts.Where(entry => entry.Key.Kind.Equals(kind, StringComparison.Ordinal)).Sum(static entry => entry.Value.Value);

    public long WithOutcome(string outcome) => _counts.Where(entry => entry.Key.Outcome.Equals(outcome, StringComparison.Ordinal)).Sum(static entry => entry.Value.Value);

    public override string ToString() => string.Join('\n', ChurnKinds.All.Select(kind =>
    {
        var outcomes = _counts.Where(entry => entry.Key.Kind.Equals(kind.Name, StringComparison.Ordinal)).OrderByDescending(static entry => entry.Value.Value)
            .Select(static entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Key.Outcome} {entry.Value.Value}"));
        return string.Create(CultureInfo.InvariantCulture, $"  {kind.Name,-36}{OfKind(kind.Name),8}  {string.Join(", ", outcomes)}");
    }));

    private sealed class Number
    {
        private long _value;

        public long Value => Interlocked.Read(ref _value);

        public void Increment() => Interlocked.Increment(ref _value);
    }
}
