using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A log that cannot be written to, as one is whose file or console gets no descriptor any more.</summary>
[TestFixture]
public sealed class ThrowingLoggerTests
{
    [TestCase(false)]
    [TestCase(true)]
    public async Task The_loop_goes_on(bool failsWhenAsked)
    {
        using var log = new FullLog(failsWhenAsked);
        await using var loop = TestLoop.Start(log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, static _ => throw new InvalidDataException("handler")).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        loop.Post(static () => throw new InvalidDataException("posted"));
        loop.StartTimer(TimeSpan.Zero, static () => throw new InvalidDataException("timer"));

        Assert.That(peer.EndsInOrder(), Is.True, "The handler that failed has ended its connection.");
        Assert.That(await loop.InvokeAsync(static () => "alive").Within(), Is.EqualTo("alive"));
        Assert.That(log.Lines, Is.GreaterThan(0), "The test's own premise.");
    }

    private sealed class FullLog(bool failsWhenAsked) : ILoggerFactory, ILogger
    {
        private int _lines;

        public int Lines => Volatile.Read(ref _lines);

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel)
        {
            if (failsWhenAsked)
                Fail();
            return true;
        }

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Fail();

        public void Dispose()
        {
        }

        private void Fail()
        {
            Interlocked.Increment(ref _lines);
            throw new IOException("Too many open files");
        }
    }
}
