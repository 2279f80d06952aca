using System.Runtime.InteropServices;
using Reactor.Perf.Regression;

namespace Reactor.Perf.Comparison;

/// <summary>The echo comparison, from the command line to the table. Progress goes to standard error.</summary>
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
        if (await Programs.PrepareAsync(options, cancellationToken) is { } missing)
        {
            await Console.Error.WriteLineAsync(missing);
            return 2;
        }

        if (options.Base is not null)
            return await RegressionCommand.RunAsync(options, cancellationToken);

        options = await Peers.BuildAsync(options, cancellationToken);
        if (options.Contestants.Count == 0)
            return 2;

        // Opened before the minutes of measuring, that a path which cannot be written costs none of them.
        await using var json = options.JsonFile is null ? null : File.Create(options.JsonFile);
        var machine = await Machine.DescribeAsync(options.Repository, cancellationToken);
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
        if (json is not null)
            await report.WriteAsync(json);
        if (cancellationToken.IsCancellationRequested)
            return 130;
        return cells.Exists(cell => cell.IsFailure) ? 1 : 0;
    }
}
