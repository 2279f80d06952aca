using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Reactor.Tool;

/// <summary>The option <c>--json [FILE]</c>: the same result for machines.</summary>
internal sealed class JsonOption : Option<string?>
{
    public JsonOption()
        : base("--json")
    {
        Description = "Writes the result as JSON to FILE, or without FILE to standard output instead of the text.";
        HelpName = "FILE";
        Arity = ArgumentArity.ZeroOrOne;
        Validators.Add(Validate);
    }

    /// <summary>Whether the result is asked for as JSON on standard output, where no text may then be.</summary>
    public bool ReplacesText(ParseResult parse) => IsGiven(parse) && parse.GetValue(this) is null;

    /// <summary>Writes the result where it was asked for, if it was.</summary>
    public async Task WriteAsync<T>(ParseResult parse, T result, JsonTypeInfo<T> type)
    {
        if (!IsGiven(parse))
            return;
        var json = JsonSerializer.Serialize(result, type) + Environment.NewLine;
        if (parse.GetValue(this) is { } file)
            await File.WriteAllTextAsync(file, json);
        else
            await Console.Out.WriteAsync(json);
    }

    private bool IsGiven(ParseResult parse) => parse.GetResult(this) is { Implicit: false };

    private static void Validate(OptionResult result)
    {
        if (result.Tokens is not [{ Value: var file }])
            return;
        // An address after --json would be taken for the file, and the address be missed or, worse, defaulted.
        if (AddressArgument.TryParse(file, out _, out _))
            result.AddError($"'{file}' after --json looks like an address. Put it before --json, or write --json=FILE, or ./FILE.");
        else if (Path.GetDirectoryName(Path.GetFullPath(file)) is { } folder && !Directory.Exists(folder))
            result.AddError($"The folder of '{file}' does not exist.");
        else if (Directory.Exists(file))
            result.AddError($"'{file}' is a folder.");
    }
}
