using Reactor.Perf.Comparison;

namespace Reactor.Perf.Regression;

/// <summary>Runs the pairs. The two cells of a pair are neighbours in time, so that the machine's drift hits both alike.</summary>
internal static class Pairs
{
    /// <summary>Adds each cell as it is measured; its round is the number of its pair.</summary>
    public static async Task RunAsync(
        Options options, string baseProgram, string treeProgram, List<Cell> cells, CancellationToken cancellationToken)
    {
        for (var pair = 1; pair <= options.Pairs; pair++)
        {
            foreach (var scenario in options.Scenarios)
            {
                var @base = Side.Of(Side.Base, baseProgram, scenario.Role);
                var tree = Side.Of(Side.Tree, treeProgram, scenario.Role);

                // Base, tree, tree, base: whatever being first or second is worth, it goes to each as often as to the other.
                foreach (var side in pair % 2 == 1 ? [@base, tree] : (Contestant[])[tree, @base])
                {
                    var cell = await Rounds.MeasureUndisturbedAsync(pair, scenario, side, options, cells, cancellationToken);
                    if (!cell.IsGood)
                        break;
                }
            }
        }
    }
}
