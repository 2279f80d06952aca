using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Reactor.Tests.Fixtures;

/// <summary>
/// A thread with a descriptor table of its own, which is full. The last descriptor is never taken from the whole process: .NET
/// opens a pipe for every thread that it starts, also for those of its pool, and ends the process where it cannot.
/// </summary>
internal static partial class ThreadWithoutDescriptors
{
    private const int CLONE_FILES = 0x400;
    private const int StandardError = 2;

    /// <summary>Left to the rest of the process; the limit is one for all its tables.</summary>
    private const int LeftToOthers = 1000;

    /// <summary>Runs it there and waits for it; what it throws is thrown here. It asserts nothing itself: that may load an assembly.</summary>
    public static void Run(Action action)
    {
        ExceptionDispatchInfo? thrown = null;
        var thread = new Thread(() =>
        {
            try
            {
                if (unshare(CLONE_FILES) != 0)
                    throw new InvalidOperationException($"unshare: {Marshal.GetLastPInvokeErrorMessage()}");
                while (dup(StandardError) >= 0)
                {
                }

                action();
            }
            catch (Exception error)
            {
                thrown = ExceptionDispatchInfo.Capture(error);
            }
        });
        using (DescriptorLimit.LowerTo(DescriptorLimit.FirstUnused() + LeftToOthers))
        {
            thread.Start();
            thread.Join();
        }

        thrown?.Throw();
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unshare(int flags);

    [LibraryImport("libc")]
    private static partial int dup(int descriptor);
}
