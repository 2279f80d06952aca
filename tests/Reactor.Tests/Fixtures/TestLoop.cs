using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Reactor.Tests.Fixtures;

/// <summary>Starts the loops of all tests, so that one environment variable crosses batch boundaries all over the suite.</summary>
internal static class TestLoop
{
    public const string EventsPerTurnVariable = "REACTOR_TEST_EVENTS_PER_TURN";

    /// <summary>What the threads of the tests' loops are named; short, since the kernel keeps 15 characters.</summary>
    public const string ThreadName = "test-loop";

    private static readonly Lock Gate = new();
    private static readonly List<EventLoop> Started = [];

    public static int EventsPerTurn { get; } =
        int.TryParse(Environment.GetEnvironmentVariable(EventsPerTurnVariable), NumberStyles.Integer, CultureInfo.InvariantCulture, out var given)
            ? given
            : new EventLoopOptions().EventsPerTurn;

    public static EventLoop Start(
        Kernel? kernel = null,
        ConnectOptions? connect = null,
        ILoggerFactory? log = null,
        int? eventsPerTurn = null,
        TimeSpan? shutdownTimeout = null)
    {
        var loop = EventLoop.Start(Options(kernel, connect, log, eventsPerTurn, shutdownTimeout));
        Watch(loop);
        return loop;
    }

    public static EventLoopGroup StartGroup(int loops, ILoggerFactory? log = null)
    {
        var group = EventLoopGroup.Start(loops, Options(log: log));
        foreach (var loop in group.Loops)
            Watch(loop);
        return group;
    }

    public static EventLoopOptions Options(
        Kernel? kernel = null,
        ConnectOptions? connect = null,
        ILoggerFactory? log = null,
        int? eventsPerTurn = null,
        TimeSpan? shutdownTimeout = null)
    {
        var defaults = new EventLoopOptions();
        return new EventLoopOptions
        {
            Name = ThreadName,
            Kernel = kernel,
            Connect = connect ?? defaults.Connect,
            LoggerFactory = log,
            EventsPerTurn = eventsPerTurn ?? EventsPerTurn,
            ShutdownTimeout = shutdownTimeout ?? defaults.ShutdownTimeout,
        };
    }

    public static void ForgetStarted()
    {
        lock (Gate)
            Started.Clear();
    }

    /// <summary>What loops that have ended still count as theirs: nothing, when all is well.</summary>
    public static IEnumerable<string> LeftInLoops()
    {
        EventLoop[] loops;
        lock (Gate)
            loops = [.. Started];

        foreach (var loop in loops)
        {
            var counters = loop.Counters;
            if (counters.Registrations != 0 || counters.Timers != 0 || counters.Connections != 0 || counters.RentedBuffers != 0)
                yield return $"counters of an ended loop: {counters}";
        }
    }

    private static void Watch(EventLoop loop)
    {
        lock (Gate)
            Started.Add(loop);
    }
}
