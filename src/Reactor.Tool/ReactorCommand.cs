using System.CommandLine;
using System.CommandLine.Invocation;

namespace Reactor.Tool;

/// <summary>The <c>reactor</c> command with its subcommands.</summary>
internal static class ReactorCommand
{
    public static async Task<int> RunAsync(string[] args)
    {
        var root = new RootCommand("Serves, probes and loads sockets from one event loop.")
        {
            ServeCommand.Create(),
            ProbeCommand.Create(),
            LoadCommand.Create(),
        };
        root.HelpName = "reactor";

        var parse = root.Parse(args);
        if (parse.Action is ParseErrorAction usageError)
            return ReportUsageError(parse, usageError);

        // Each command meets Ctrl-C in its own way; the library's way would end it after two seconds.
        return await parse.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    private static int ReportUsageError(ParseResult parse, ParseErrorAction usageError)
    {
        usageError.ShowHelp = false;
        // What is wrong and what was perhaps meant, all of it on standard error: it is no result.
        parse.Invoke(new InvocationConfiguration { Output = Console.Error, Error = Console.Error });
        var command = parse.CommandResult.Command is RootCommand ? "reactor" : $"reactor {parse.CommandResult.Command.Name}";
        Console.Error.WriteLine($"`{command} --help` tells what there is.");
        return ExitCode.UsageError;
    }
}
