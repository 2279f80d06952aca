using System.ComponentModel;
using Reactor.Perf.Comparison;

namespace Reactor.Perf.Regression;

/// <summary><c>--compare BASE</c>: the work tree beside a revision of it, from the checkout to the verdicts.</summary>
internal static class RegressionCommand
{
    public static async Task<int> RunAsync(Options options, CancellationToken cancellationToken)
    {
        try
        {
            return await CompareAsync(options, cancellationToken);
        }
        catch (BaseBuildException e)
        {
            await Console.Error.WriteLineAsync($"perf/run: {e.Message}");
            return 2;
        }
        catch (Win32Exception e)
        {
            await Console.Error.WriteLineAsync($"perf/run --compare needs git and dotnet: {e.Message}");
            return 2;
        }
    }

    private static async Task<int> CompareAsync(Options options, CancellationToken cancellationToken)
    {
        await using var json = Report.OpenJson(options);
        var repository = options.Repository ?? throw new BaseBuildException("--compare needs --repository");
        var machine = await Machine.DescribeAsync(options, cancellationToken);
        await using var build = await BaseBuild.CreateAsync(repository, options.Base!, cancellationToken);
        await VerifySpeaksAsync(Side.Of(Side.Base, build.Program, Role.Echo), options, cancellationToken);

        var cells = new List<Cell>();
        try
        {
            await Pairs.RunAsync(options, build.Program, typeof(Programs).Assembly.Location, cells, cancellationToken);
        }
        catch (OperationCanceledException) when (cells.Count > 0)
        {
            await Console.Error.WriteLineAsync("stopped; this is what was measured until then");
        }

        var report = RegressionReport.From(machine, build, options, cells);
        Console.Write(RegressionTable.Render(report));
        await Report.WriteAsync(json, report);
        return cancellationToken.IsCancellationRequested ? 130 : report.ExitStatus;
    }

    // A program of another day may have another command line or other answers. Found out once, not in each cell.
    private static async Task VerifySpeaksAsync(Contestant @base, Options options, CancellationToken cancellationToken)
    {
        try
        {
            await using var server = await ServerProcess.StartAsync(@base, [], options.ServerCore, cancellationToken);
            await server.AllocatedBytesAsync(cancellationToken);
        }
        catch (Exception e) when (e is PeerException or FormatException)
        {
            throw new BaseBuildException($"`serve reactor` as built from {options.Base} is not the command of today: {e.Message}");
        }
    }
}
