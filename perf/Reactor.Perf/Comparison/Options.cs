using System.Globalization;
using Reactor.Perf.Regression;

namespace Reactor.Perf.Comparison;

/// <summary>What was asked for on the command line.</summary>
internal sealed record Options
{
    public const string Usage = """
        usage: perf/run [options]
               perf/run --compare BASE [options]
          --rounds N           rounds, each running every server in every scenario (5)
          --seconds S          measured seconds a cell (3)
          --warmup S           seconds of the same load before them (5)
          --retries N          how often a cell that the machine disturbed is measured again (2)
          --only A,B           servers: epoll, epoll-edge, epoll-state, kestrel, kestrel-inline, socket, socket-inline,
                               reactor (epoll, kestrel, socket, reactor), and where perf/peers/build can make them
                               uv, event, asio, go, mio, netty
          --scenarios A,B      connections x bytes a message, with pN at its end for N messages in flight on a connection
                               (1x64,64x64,1000x64,10000x64,64x1024,64x16384,64x64p16)
          --json FILE          also write every cell and the medians as JSON
          --server-core N      core of the server (0)
          --load-core N        core of the load (1)
          --compare BASE       Reactor of the work tree beside that of the git revision BASE, in interleaved pairs, in place
                               of --rounds and --only; exit status 1 for a regression
          --pairs N            with --compare: pairs a scenario, at least 6 (9)
          --threshold PERCENT  with --compare: how much dearer a request may get (3)
        """;

    public int Rounds { get; init; } = 5;

    public double Seconds { get; init; } = 3;

    // Compiling in tiers takes its time when the one core is busy: Kestrel's cost a request falls for about five seconds.
    public double WarmupSeconds { get; init; } = 5;

    public int Retries { get; init; } = 2;

    public IReadOnlyList<Contestant> Contestants { get; init; } = [.. Contestant.All.Where(each => each.InDefault)];

    public IReadOnlyList<Scenario> Scenarios { get; init; } = Scenario.Default;

    /// <summary>The revision to compare the work tree with; nothing for a comparison of servers.</summary>
    public string? Base { get; init; }

    public int Pairs { get; init; } = 9;

    public double ThresholdPercent { get; init; } = 3;

    public string? JsonFile { get; init; }

    public int ServerCore { get; init; }

    public int LoadCore { get; init; } = 1;

    public string? Repository { get; init; }

    /// <summary>Throws a <see cref="FormatException"/> that says what is wrong.</summary>
    public static Options Parse(IReadOnlyList<string> args)
    {
        var options = new Options();
        for (var i = 0; i < args.Count; i += 2)
        {
            var value = i + 1 < args.Count ? args[i + 1] : throw new FormatException($"{args[i]}: unknown, or its value is missing");
            options = args[i] switch
            {
                "--rounds" => options with { Rounds = Count(value, least: 1) },
                "--seconds" => options with { Seconds = Duration(value, least: 0.1) },
                "--warmup" => options with { WarmupSeconds = Duration(value, least: 0) },
                "--retries" => options with { Retries = Count(value, least: 0) },
                "--only" => options with { Contestants = [.. List(value, Named).SelectMany(each => each)] },
                "--scenarios" => options with { Scenarios = List(value, Scenario.Parse) },
                "--compare" => options with { Base = Revision(value) },
                "--pairs" => options with { Pairs = Count(value, least: PairedRatio.FewestPairs) },
                "--threshold" => options with { ThresholdPercent = Percent(value) },
                "--json" => options with { JsonFile = value },
                "--server-core" => options with { ServerCore = Count(value, least: 0) },
                "--load-core" => options with { LoadCore = Count(value, least: 0) },
                "--repository" => options with { Repository = value },
                _ => throw new FormatException($"{args[i]}: unknown"),
            };
        }

        foreach (var name in args.Where((_, index) => index % 2 == 0))
        {
            if (name is "--rounds" or "--only" && options.Base is not null)
                throw new FormatException($"{name} does not go with --compare");
            if (name is "--pairs" or "--threshold" && options.Base is null)
                throw new FormatException($"{name} goes with --compare only");
        }

        return options;
    }

    /// <summary>Those who take part in it.</summary>
    public IReadOnlyList<Contestant> ContestantsOf(Scenario scenario) => [.. Contestants.Where(each => each.Role == scenario.Role)];

    private static List<Contestant>? Named(string name) =>
        Contestant.All.Where(each => string.Equals(each.Name, name, StringComparison.Ordinal)).ToList() is { Count: > 0 } named ? named : null;

    private static int Count(string value, int least) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least
            ? number
            : throw new FormatException($"{value}: not a number from {least.ToString(CultureInfo.InvariantCulture)} on");

    private static double Duration(string value, double least) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number >= least && number <= 3600
            ? number
            : throw new FormatException($"{value}: not a number of seconds");

    private static double Percent(string value) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number <= 1000
            ? number
            : throw new FormatException($"{value}: not a percentage");

    // git would take what begins with a dash for an option of its own.
    private static string Revision(string value) =>
        value is ['-', ..] or "" ? throw new FormatException($"--compare: '{value}' is no revision") : value;

    private static List<T> List<T>(string value, Func<string, T?> parse)
        where T : class =>
        [.. value.Split(',').Select(each => parse(each) ?? throw new FormatException($"{each}: unknown")).Distinct()];
}
