using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Reactor.Tests.Fixtures;

/// <summary>
/// A kqueue(2) for Linux, libkqueue, where an environment variable names one: then every loop of the suite polls with it, and
/// <see cref="KqueueLibraryPollerTests"/> run.
/// </summary>
internal static class KqueueLibrary
{
    public const string Variable = "REACTOR_KQUEUE_LIBRARY";

    public const string WhatIsMissing = $"{Variable} names no libkqueue.so: the kqueue tests are skipped.";

    public const string TellsNoUrgentData = "libkqueue has no EVFILT_EXCEPT: urgent data is not told.";

    public static string? Path { get; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given ? given : null;

    /// <summary>What the poller of the suite's loops calls its making.</summary>
    public static string PollerSyscall => Path is null ? "epoll_create1" : "kqueue";

    /// <summary>What it calls the adding of a descriptor.</summary>
    public static string AddSyscall => Path is null ? "epoll_ctl" : "kevent";

    /// <summary>A wait has room for 512 events, libkqueue takes as many sockets for it, and each may have two: the rest is lost.</summary>
    public const int MostReadyAtOnce = 256;

    /// <summary>Skips a test in which more sockets are ready at once than libkqueue can tell of.</summary>
    public static void RequireRoomForThousands()
    {
        if (Path is not null) Assert.Ignore($"libkqueue loses edges when more than {MostReadyAtOnce} sockets are ready at once.");
    }

    /// <summary>Skips a test that waits to be told of urgent data.</summary>
    public static void RequireUrgentNews()
    {
        if (Path is not null) Assert.Ignore(TellsNoUrgentData);
    }

    public static int CreatePoller(out Poller? poller) => KqueuePoller.Create(Calls.Instance, out poller);

    // Before any test asks for the system's kernel.
    [ModuleInitializer]
    internal static void Take_the_place_of_epoll()
    {
        if (Path is not null) Kernel.UseAsSystem(new KqueueOnLinux());
    }

    /// <summary>Says what polls, or fails the whole run with what is wrong with the library.</summary>
    public static void Load()
    {
        if (Path is null) return;
        try
        {
            _ = Calls.Instance;
        }
        catch (TypeInitializationException exception)
        {
            Assert.Fail($"{Variable}: {Path} is no libkqueue, or its full path is another: {exception.InnerException?.Message}");
        }

        TestContext.Progress.WriteLine($"Every loop polls with the kqueue of {Path}.");
    }

    /// <summary>Linux, with the poller of macOS.</summary>
    private sealed class KqueueOnLinux : LinuxKernel
    {
        public override string PollerSyscall => "kqueue";

        public override int CreatePoller(out Poller? poller) => KqueueLibrary.CreatePoller(out poller);
    }

    private sealed unsafe class Calls : Kqueue
    {
        private readonly delegate* unmanaged<int> _kqueue;
        private readonly delegate* unmanaged<int, KEvent*, int, KEvent*, int, Timespec*, int> _kevent;
        private readonly delegate* unmanaged<void> _drain;

        private Calls()
        {
            var library = NativeLibrary.Load(Path!);
            _kqueue = (delegate* unmanaged<int>)NativeLibrary.GetExport(library, "kqueue");
            _kevent = (delegate* unmanaged<int, KEvent*, int, KEvent*, int, Timespec*, int>)NativeLibrary.GetExport(library, "kevent");
            _drain = (delegate* unmanaged<void>)NativeLibrary.GetExport(library, "libkqueue_drain_pending_close");

            // The first has the library open descriptors that it keeps as long as there is one.
            _ = _kqueue();
        }

        public static Calls Instance { get; } = new();

        // Not the number that macOS has.
        internal override short UserFilter => -11;

        internal override short ExceptFilter => 0;

        internal override int Create()
        {
            var kqueue = _kqueue();
            return kqueue < 0 ? -Marshal.GetLastSystemError() : kqueue;
        }

        internal override int Kevent(int kqueue, ReadOnlySpan<KEvent> changes, Span<KEvent> events, Timespec* timeout)
        {
            fixed (KEvent* firstChange = changes, firstEvent = events)
            {
                var count = _kevent(kqueue, firstChange, changes.Length, firstEvent, events.Length, timeout);
                return count < 0 ? -Marshal.GetLastSystemError() : count;
            }
        }

        // A thread of the library closes the descriptors behind it, some time later; the tests that count descriptors wait for it.
        internal override void Close(int kqueue)
        {
            _ = Libc.close(kqueue);
            _drain();
        }

        internal override Errno ToErrno(int native) => (Errno)native;
    }
}
