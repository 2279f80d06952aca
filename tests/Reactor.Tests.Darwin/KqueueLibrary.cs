namespace Reactor.Tests.Fixtures;

/// <summary>The kqueue(2) that the library which speaks macOS stands on: libkqueue, where an environment variable names one.</summary>
internal static class KqueueLibrary
{
    public const string TellsNoUrgentData = "libkqueue has no EVFILT_EXCEPT: urgent data is not told.";

    public const string WhatIsMissing = "REACTOR_KQUEUE_LIBRARY names no libkqueue.so: macOS's kernel has no poller here.";

    public static string? Path { get; } = Environment.GetEnvironmentVariable("REACTOR_KQUEUE_LIBRARY") is { Length: > 0 } given ? given : null;

    /// <summary>The library that speaks macOS loads it.</summary>
    public static void Load()
    {
    }

    public static string AddSyscall => "kevent";

    /// <summary>Skips a test in which more sockets are ready at once than libkqueue can tell of.</summary>
    public static void RequireRoomForThousands() => Assert.Ignore("libkqueue loses edges when more than 256 sockets are ready at once.");

    /// <summary>Skips a test that waits to be told of urgent data.</summary>
    public static void RequireUrgentNews() => Assert.Ignore(TellsNoUrgentData);
}
