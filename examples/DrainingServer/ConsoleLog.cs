using Microsoft.Extensions.Logging;

namespace Reactor.Examples;

/// <summary>What the framework logs, a line each on standard error; from Debug on limits that were reached are included.</summary>
/// <remarks>The loop waits for whoever reads it. With many strangers look at the counters instead, and log from Warning on.</remarks>
/// <param name="least">The least level that is written.</param>
internal sealed class ConsoleLog(LogLevel least) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("It writes to standard error and nowhere else.");

    public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Console.Error.WriteLine($"{logLevel} {eventId.Id}: {formatter(state, exception)}{(exception is null ? "" : $" {exception}")}");

    public void Dispose()
    {
    }
}
