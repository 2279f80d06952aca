using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Reactor.Tests;

/// <summary>
/// Keeps what a long run must not log: anything above Debug that the run did not cause on purpose. Debug it does not even ask
/// for, since a minute of churn would fill the memory that is to be measured.
/// </summary>
/// <param name="isExpected">Whether an event is one that the run caused on purpose.</param>
internal sealed class OutspokenLog(Func<EventId, Exception?, bool> isExpected) : ILoggerFactory, ILogger
{
    // Enough to see what is wrong; a run that goes wrong all the time would otherwise keep millions.
    private const int MostKept = 100;

    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel > LogLevel.Debug;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel) || _lines.Count >= MostKept || isExpected(eventId, exception))
            return;
        _lines.Enqueue($"{logLevel}: {formatter(state, exception)} {exception}");
    }

    public void Dispose()
    {
    }
}
