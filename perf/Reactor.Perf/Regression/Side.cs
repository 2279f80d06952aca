using Reactor.Perf.Comparison;

namespace Reactor.Perf.Regression;

/// <summary>The two servers of a pair: one program from two trees.</summary>
internal static class Side
{
    public const string Base = "base";
    public const string Tree = "tree";

    public static Contestant Of(string name, string program) =>
        Contestant.All.Single(each => each.Role == Role.Echo && string.Equals(each.Name, "reactor", StringComparison.Ordinal)) with
        {
            Name = name,
            Command = ["dotnet", program, "serve", "reactor"],
        };
}
