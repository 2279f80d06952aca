using BenchmarkDotNet.Attributes;

namespace Reactor.Benchmarks;

/// <summary>Who is behind a token, with 10,000 sockets registered, beside a dictionary.</summary>
[GroupBenchmarksBy(BenchmarkDotNet.Configs.BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class TokenBenchmarks
{
    private const int Registered = 10_000;
    private const int Finds = 1024;

    private readonly RegistrationTable _table = new();
    private readonly Dictionary<ulong, IRegistrant> _dictionary = [];
    private readonly Token[] _live = new Token[Finds];
    private readonly Token[] _stale = new Token[Finds];

    [GlobalSetup]
    public void SetUp()
    {
        var tokens = new List<Token>();
        for (var i = 0; i < Registered; i++) tokens.Add(_table.Add(new Nobody()));

        // The freed slots are given out again, so that a stale token meets the slot's next owner.
        for (var i = 0; i < Finds; i++)
        {
            var former = tokens[i * (Registered / Finds)];
            _table.Remove(former);
            _stale[i] = former;
            _live[i] = _table.Add(new Nobody());
        }

        foreach (var token in tokens.Except(_stale).Concat(_live)) _dictionary.Add(token.ToUInt64(), _table.Find(token)!);
        new Random(1).Shuffle(_live);
        new Random(2).Shuffle(_stale);
    }

    [BenchmarkCategory("hit"), Benchmark(Baseline = true, Description = "a live token looked up in a dictionary", OperationsPerInvoke = Finds)]
    public int DictionaryHit() => FindInDictionary(_live);

    [BenchmarkCategory("hit"), Benchmark(Description = "a live token found", OperationsPerInvoke = Finds)]
    public int Hit() => FindInTable(_live);

    [BenchmarkCategory("stale"), Benchmark(Baseline = true, Description = "a stale token looked up in a dictionary", OperationsPerInvoke = Finds)]
    public int DictionaryStale() => FindInDictionary(_stale);

    [BenchmarkCategory("stale"), Benchmark(Description = "a stale token refused", OperationsPerInvoke = Finds)]
    public int Stale() => FindInTable(_stale);

    private int FindInTable(Token[] tokens)
    {
        var found = 0;
        foreach (var token in tokens)
        {
            if (_table.Find(token) is not null) found++;
        }

        return found;
    }

    private int FindInDictionary(Token[] tokens)
    {
        var found = 0;
        foreach (var token in tokens)
        {
            if (_dictionary.TryGetValue(token.ToUInt64(), out _)) found++;
        }

        return found;
    }

    private sealed class Nobody : IRegistrant
    {
        public void OnEvents(PollEvent news)
        {
            // Nothing is polled here.
        }

        public void OnTurn() => throw new NotSupportedException("There is no loop.");

        public void OnStopping() => throw new NotSupportedException("There is no loop.");

        public void OnStopped() => throw new NotSupportedException("There is no loop.");
    }
}
