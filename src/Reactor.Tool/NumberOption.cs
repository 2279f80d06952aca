using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Reactor.Tool;

/// <summary>Options that take a number of at least one, or a time in seconds.</summary>
internal static class NumberOption
{
    // The longest time that every timer takes: 2^31 ms are not quite 25 days.
    private const double LongestSeconds = int.MaxValue / 1000;

    /// <summary>An option for a whole number from 1 on.</summary>
    public static Option<int?> Count(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = static result => ParseCount(result),
    };

    /// <summary>An option for a number that is more than nothing.</summary>
    public static Option<double?> Rate(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = static result => ParsePositive(result, double.MaxValue, "number: it is more than 0"),
    };

    /// <summary>An option for a time in seconds.</summary>
    public static Option<TimeSpan?> Seconds(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "S",
        CustomParser = static result => ParsePositive(result, LongestSeconds, "time: it is a number of seconds, more than 0") is { } seconds
            ? TimeSpan.FromSeconds(seconds)
            : null,
    };

    private static int? ParseCount(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1)
            return number;
        result.AddError($"'{text}' is no number for {NameOf(result)}: it is a whole number from 1 to {int.MaxValue}.");
        return null;
    }

    private static double? ParsePositive(ArgumentResult result, double largest, string what)
    {
        var text = result.Tokens[0].Value;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number > 0 && number <= largest)
            return number;
        result.AddError($"'{text}' for {NameOf(result)} is no {what}.");
        return null;
    }

    private static string NameOf(ArgumentResult result) => (result.Parent as OptionResult)?.Option.Name ?? result.Argument.Name;
}
