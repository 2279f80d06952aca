using System.Globalization;
using Reactor.Perf.Regression;

namespace Reactor.Perf.Comparison;

/// <summary>What was asked for on the command line.</summary>
internal sealed record Options
{
    private const string UsageOfOptions = """
        usage: perf/run [options]
               perf/run --draw DIR --from FILE
               perf/run --compare BASE [options]
          --rounds N           rounds, each running every server in every scenario (5)
          --seconds S          measured seconds a cell (3)
          --warmup S           seconds of the same load before them (5)
          --retries N          how often a cell that the machine disturbed is measured again (2)
          --only A,B           contestants
          --scenarios A,B      scenarios
          --json FILE          also write every cell and the medians as JSON
          --draw DIR           also draw the ratios, an SVG a group of scenarios
          --from FILE          with --draw: draw what --json wrote into FILE, measure nothing
          --server-core N      core of the server (0)
          --load-core N        core of the load (1)
          --compare BASE       Reactor of the work tree beside that of the git revision BASE, in interleaved pairs, in place
                               of --rounds and --only; exit status 1 for a regression
          --pairs N            with --compare: pairs a scenario, at least 6 (9)
          --threshold PERCENT  with --compare: how much dearer a request may get (3)

        scenarios          role    what is asked; without --scenarios those in brackets, with --compare the first line's
          CxB, CxBpN       echo    C connections, a message of B bytes in flight on each, or N of them
                                   (1x64 64x64 1000x64 10000x64 64x1024 64x16384 64x64p16)
          churnN           echo    connect, ten requests, close, N at a time (churn512)
          fanoutN          fanout  one message to N connections (fanout1000)
          proxyCxB         proxy   as CxB, through a proxy (proxy64x64 proxy64x16384)
          stormN           storm   8,000 connects, N in flight; stormNofM: M (storm1 storm64 storm512 storm4096)
          idle0            echo    nothing: what processor time is used (idle0)
          idleN            echo    nothing: what memory N connections take (idle9000)
          timersN          timers  64x64 with a timer a connection, and N more pending (timers0 timers1000000)

        contestants by role; without --only those with a * and the scenario's yardstick, which is epoll, but haproxy of the
        proxies and uv for idleN and timersN. Those that perf/peers/build has to make are left out where it cannot

        """;

    public static string Usage => UsageOfOptions + string.Join('\n', Enum.GetValues<Role>().Select(ContestantsIn));

    public int Rounds { get; init; } = 5;

    public double Seconds { get; init; } = 3;

    // Compiling in tiers takes its time when the one core is busy: Kestrel's cost a request falls for about five seconds.
    public double WarmupSeconds { get; init; } = 5;

    public int Retries { get; init; } = 2;

    /// <summary>The names of those who take part; nothing for those of the default and each scenario's yardstick.</summary>
    public IReadOnlyList<string>? Only { get; init; }

    /// <summary>Those who cannot take part because they could not be built.</summary>
    public IReadOnlyList<Contestant> Missing { get; init; } = [];

    public IReadOnlyList<Scenario> Scenarios { get; init; } = Scenario.Default;

    /// <summary>The revision to compare the work tree with; nothing for a comparison of servers.</summary>
    public string? Base { get; init; }

    public int Pairs { get; init; } = 9;

    public double ThresholdPercent { get; init; } = 3;

    public string? JsonFile { get; init; }

    /// <summary>The folder that gets the pictures.</summary>
    public string? PictureFolder { get; init; }

    /// <summary>What <c>--json</c> wrote another time, to draw in place of measuring.</summary>
    public string? DrawnFile { get; init; }

    /// <summary>By the name of the peer, those that <c>perf/peers/build</c> told.</summary>
    public IReadOnlyDictionary<string, string> PeerVersions { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Missing where there is none that works, and where nobody asks for the count.</summary>
    public SyscallCounter? SyscallCounter { get; init; }

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
            try
            {
                options = options.With(args[i], value);
            }
            catch (FormatException e)
            {
                throw new FormatException($"{args[i]} {e.Message}", e);
            }
        }

        foreach (var name in args.Where((_, index) => index % 2 == 0))
        {
            if (name is "--rounds" or "--only" or "--draw" && options.Base is not null)
                throw new FormatException($"{name} does not go with --compare");
            if (name is not ("--draw" or "--from" or "--repository") && options.DrawnFile is not null)
                throw new FormatException($"{name} does not go with --from");
            if (name is "--from" && options.PictureFolder is null)
                throw new FormatException("--from goes with --draw only");
            if (name is "--pairs" or "--threshold" && options.Base is null)
                throw new FormatException($"{name} goes with --compare only");
        }

        if (options.ServerCore == options.LoadCore)
            throw new FormatException($"--server-core and --load-core are both {options.ServerCore.ToString(CultureInfo.InvariantCulture)}: each needs a core of its own");

        // A base whose own server has to be used may know nothing of what the others ask of one.
        return options.Base is not null && !args.Contains("--scenarios", StringComparer.Ordinal)
            ? options with { Scenarios = [.. Scenario.Default.OfType<EchoScenario>()] }
            : options;
    }

    /// <summary>The same for one contestant: what is machine code already is warm in a second.</summary>
    public Options For(Contestant contestant) => contestant.CompilesWhileItRuns ? this : this with { WarmupSeconds = Math.Min(WarmupSeconds, 1) };

    /// <summary>Those who take part in it, in the order in which they were asked for.</summary>
    public IReadOnlyList<Contestant> ContestantsOf(Scenario scenario)
    {
        var ofRole = Contestant.All.Where(each => each.Role == scenario.Role).Except(Missing);
        return Only is null
            ? [.. ofRole.Where(each => each.InDefault || string.Equals(each.Name, scenario.Yardstick, StringComparison.Ordinal))]
            : [.. Only.SelectMany(name => ofRole.Where(each => string.Equals(each.Name, name, StringComparison.Ordinal)))];
    }

    private static string ContestantsIn(Role role)
    {
        var names = Contestant.All.Where(each => each.Role == role).Select(each => each.Name + (each.InDefault ? "*" : ""));
        return string.Create(CultureInfo.InvariantCulture, $"  {role.ToString().ToLowerInvariant(),-8} {string.Join(' ', names)}");
    }

    private static string? Known(string name) =>
        Contestant.All.Any(each => string.Equals(each.Name, name, StringComparison.Ordinal)) ? name : null;

    private Options With(string name, string value) => name switch
    {
        "--rounds" => this with { Rounds = Count(value, least: 1) },
        "--seconds" => this with { Seconds = Duration(value, least: 0.1) },
        "--warmup" => this with { WarmupSeconds = Duration(value, least: 0) },
        "--retries" => this with { Retries = Count(value, least: 0) },
        "--only" => this with { Only = List(value, Known) },
        "--scenarios" => this with { Scenarios = List(value, Scenario.Parse) },
        "--compare" => this with { Base = Revision(value) },
        "--pairs" => this with { Pairs = Count(value, least: PairedRatio.FewestPairs) },
        "--threshold" => this with { ThresholdPercent = Percent(value) },
        "--json" => this with { JsonFile = value },
        "--draw" => this with { PictureFolder = value },
        "--from" => this with { DrawnFile = value },
        "--server-core" => this with { ServerCore = Count(value, least: 0) },
        "--load-core" => this with { LoadCore = Count(value, least: 0) },
        "--repository" => this with { Repository = value },
        _ => throw new FormatException("is unknown"),
    };

    private static int Count(string value, int least) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least
            ? number
            : throw new FormatException($"{value}: not a number from {least.ToString(CultureInfo.InvariantCulture)} on");

    private static double Duration(string value, double least) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number >= least && number <= 3600
            ? number
            : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"{value}: not {least} to 3600 seconds"));

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
