using System.Globalization;
using Spectre.Console;

namespace Reactor.Tool;

/// <summary>Standard output for results, standard error for progress and logs.</summary>
internal static class Terminal
{
    // Wider than any line that is printed, so that what is piped is neither wrapped nor cropped.
    private const int PipedWidth = 4_096;

    /// <summary>Where results are written: in colour and as wide as the terminal, or plain where there is none.</summary>
    public static IAnsiConsole CreateResults()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(Console.Out),
            Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect,
            Interactive = InteractionSupport.No,
        });
        if (Console.IsOutputRedirected)
            console.Profile.Width = PipedWidth;
        return console;
    }

    /// <summary>Where progress is drawn; null when nobody sees it.</summary>
    public static IAnsiConsole? CreateProgress() => Console.IsErrorRedirected
        ? null
        : AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    /// <summary>A table with no lines around it where it is piped, so that each row is a line of words.</summary>
    public static Table CreateTable() => new() { Border = Console.IsOutputRedirected ? TableBorder.None : TableBorder.Rounded };

    /// <summary>Writes a line to the log.</summary>
    public static void Log(FormattableString line) => Console.Error.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    /// <summary>Gives the cursor back, which a progress bar that is not ended orderly leaves hidden.</summary>
    public static void ShowCursor()
    {
        if (!Console.IsErrorRedirected)
            Console.Error.Write("\e[?25h");
    }
}
