using System.Text.Json;

namespace Reactor.Perf.Comparison;

/// <summary>
/// Runs the cells. A machine's speed drifts from minute to minute, so the servers take turns within a scenario, and the
/// ratio of two servers is only taken between neighbours, in one round.
/// </summary>
internal static class Rounds
{
    /// <summary>Adds each cell as it is measured, so that a run that is cut short still has those before.</summary>
    public static async Task RunAsync(Options options, List<Cell> cells, CancellationToken cancellationToken)
    {
        for (var round = 1; round <= options.Rounds; round++)
        {
            foreach (var scenario in options.Scenarios)
            {
                foreach (var contestant in InOrderOf(round, options.ContestantsOf(scenario)))
                    await MeasureUndisturbedAsync(round, scenario, contestant, options, cells, cancellationToken);
            }
        }
    }

    /// <summary>Measures until the machine lets it be or the retries are used up; adds each try, and gives the last.</summary>
    public static async Task<Cell> MeasureUndisturbedAsync(
        int round, Scenario scenario, Contestant contestant, Options options, List<Cell> cells, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var cell = await MeasureAsync(round, scenario, contestant, options, cancellationToken);
            cells.Add(cell);
            await Console.Error.WriteLineAsync(cell.ToString());
            if (!cell.IsDisturbed || attempt == options.Retries)
                return cell;
        }
    }

    // Each round begins with another server, so that none profits from always following the same one.
    private static IEnumerable<Contestant> InOrderOf(int round, IReadOnlyList<Contestant> contestants) =>
        contestants.Select((_, index) => contestants[(index + round - 1) % contestants.Count]);

    private static async Task<Cell> MeasureAsync(
        int round, Scenario scenario, Contestant contestant, Options options, CancellationToken cancellationToken)
    {
        var cell = new Cell(round, scenario.Name, contestant.Name);
        try
        {
            return await scenario.MeasureAsync(cell, contestant, options.For(contestant), cancellationToken);
        }
        catch (Exception e) when (e is PeerException or IOException or JsonException or FormatException)
        {
            // One that has died closes its pipes and leaves /proc, or is cut short in the middle of a line.
            // Ctrl-C goes to the server and the load as well, and one of them may be the first to leave.
            cancellationToken.ThrowIfCancellationRequested();
            return cell with { Rejection = e.Message, IsFailure = true };
        }
    }
}
