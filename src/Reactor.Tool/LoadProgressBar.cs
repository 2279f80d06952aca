using Reactor.Load;
using Spectre.Console;

namespace Reactor.Tool;

/// <summary>Shows how far a load has come, while it runs.</summary>
internal static class LoadProgressBar
{
    private static readonly TimeSpan _refresh = TimeSpan.FromMilliseconds(100);

    public static Task ShowAsync(IAnsiConsole terminal, LoadRun run, Task load) => terminal.Progress()
        .AutoClear(enabled: true)
        .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
        .StartAsync(async progress =>
        {
            var connects = progress.AddTask("connects", maxValue: run.Plan.Connections);
            var talks = progress.AddTask("finished", maxValue: run.Plan.Connections);
            while (!load.IsCompleted)
            {
                var now = run.Progress;
                connects.Value = now.Settled;
                connects.Description = FormattableString.Invariant($"connects  {now.Connected:N0} connected, {now.Settled - now.Connected:N0} failed");
                talks.Value = now.Finished;
                // With a duration all finish at the same time, and until then there is no share of it to show.
                talks.IsIndeterminate = run.Plan.Duration is not null && now.Finished == 0;
                talks.Description = FormattableString.Invariant($"finished  {now.RoundTrips:N0} round trips");
                await Task.WhenAny(load, Task.Delay(_refresh));
            }
        });
}
