namespace Reactor.Tool;

/// <summary>What the command's exit status says.</summary>
internal static class ExitCode
{
    public const int Well = 0;

    /// <summary>The thing that was asked did not hold: a connect failed, a reply was wrong.</summary>
    public const int DidNotHold = 1;

    public const int UsageError = 2;

    /// <summary>Ctrl-C cut the work short: 128 and the number of SIGINT, as shells say it.</summary>
    public const int Interrupted = 130;
}
