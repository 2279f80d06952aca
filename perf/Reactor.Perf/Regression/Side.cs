using Reactor.Perf.Comparison;

namespace Reactor.Perf.Regression;

/// <summary>The two of a pair, in whatever role the scenario has: one program from two trees.</summary>
internal static class Side
{
    public const string Base = "base";
    public const string Tree = "tree";

    public static Contestant Of(string name, string program, Role role)
    {
        var reactor = Contestant.All.Single(each => each.Role == role && string.Equals(each.Name, "reactor", StringComparison.Ordinal));
        return reactor with { Name = name, Command = ["dotnet", program, .. reactor.Command.Skip(Programs.Self.Count)] };
    }
}
