using System.Runtime.InteropServices;
using System.Text.Json;
using Reactor.Perf.Drawing;
using Reactor.Perf.Regression;

namespace Reactor.Perf.Comparison;

/// <summary>The comparison, from the command line to the table and the pictures. Progress goes to standard error.</summary>
internal static class CompareCommand
{
    public static async Task<int> RunAsync(string[] args)
    {
        if (args.Contains("--help", StringComparer.Ordinal))
        {
            Console.WriteLine(Options.Usage);
            return 0;
        }

        Options options;
        try
        {
            options = Options.Parse(args);
        }
        catch (FormatException e)
        {
            await Console.Error.WriteLineAsync($"perf/run: {e.Message}; see perf/run --help");
            return 2;
        }

        using var stop = new CancellationTokenSource();
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            return await RunAsync(options, stop.Token);
        }
        catch (JsonException e)
        {
            await Console.Error.WriteLineAsync($"perf/run: {options.DrawnFile} is not what perf/run --json writes: {e.Message}");
            return 2;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"perf/run: {e.Message}");
            return 2;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("stopped");
            return 130;
        }

        // The process stays until the servers and the load that it started have been ended.
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    private static async Task<int> RunAsync(Options options, CancellationToken cancellationToken)
    {
        if (options.DrawnFile is { } drawn)
        {
            await using var stream = File.OpenRead(drawn);
            await DrawAsync(await Report.ReadAsync(stream, cancellationToken), options);
            return 0;
        }

        if (await Programs.PrepareAsync(options, cancellationToken) is { } missing)
        {
            await Console.Error.WriteLineAsync(missing);
            return 2;
        }

        if (options.Base is not null)
            return await RegressionCommand.RunAsync(options, cancellationToken);

        options = await Peers.BuildAsync(options, cancellationToken);
        foreach (var scenario in options.Scenarios.Where(each => options.ContestantsOf(each).Count == 0))
            await Console.Error.WriteLineAsync($"{scenario}: left out, nobody is there to take part in it");
        options = options with { Scenarios = [.. options.Scenarios.Where(each => options.ContestantsOf(each).Count > 0)] };
        if (options.Scenarios.Count == 0)
            return 2;

        await using var json = Report.OpenJson(options);
        if (options.PictureFolder is { } pictures)
            Directory.CreateDirectory(pictures);
        var machine = await Machine.DescribeAsync(options, cancellationToken);
        var (counter, whyNot) = await SyscallCounter.FindAsync(options, cancellationToken);
        options = options with { SyscallCounter = counter };
        if (whyNot is not null)
            await Console.Error.WriteLineAsync(whyNot);
        var cells = new List<Cell>();
        try
        {
            await Rounds.RunAsync(options, cells, cancellationToken);
        }
        catch (OperationCanceledException) when (cells.Count > 0)
        {
            await Console.Error.WriteLineAsync("stopped; this is what was measured until then");
        }

        var report = Report.From(machine, options, cells);
        Console.Write(Table.Render(report));
        await Report.WriteAsync(json, report);
        if (options.PictureFolder is not null)
            await DrawAsync(report, options);
        if (cancellationToken.IsCancellationRequested)
            return 130;
        if (cells.Exists(cell => cell.IsFailure))
            return 1;
        if (report.Summaries.All(each => each.GoodRounds > 0))
            return 0;
        await Console.Error.WriteLineAsync("some have no figure, for others kept the machine busy: try again when it is quiet, or with more --rounds and --retries");
        return 2;
    }

    private static async Task DrawAsync(Report report, Options options)
    {
        foreach (var file in await Pictures.WriteAsync(report, options.PictureFolder!))
            await Console.Error.WriteLineAsync($"drawn: {file}");
    }
}
