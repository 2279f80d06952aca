using Microsoft.Extensions.Logging;

namespace Reactor.Tool;

/// <summary>The framework's warnings and errors, a line each on standard error.</summary>
internal sealed class TerminalLog : ILogger, ILoggerFactory
{
    public static readonly TerminalLog Factory = new();

    // Standard error is opened by its first use, and that takes a descriptor: too late when what is to be told is that
    // there are none left.
    private TerminalLog() => _ = Console.Error;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("It writes to standard error and nowhere else.");

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
            Terminal.Log($"{formatter(state, exception)}{(exception is null ? "" : $" {exception.Message}")}");
    }

    public void Dispose()
    {
        // There is one, for the life of the process.
    }
}
