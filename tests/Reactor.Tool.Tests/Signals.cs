using System.Globalization;

namespace Reactor.Tool.Tests;

/// <summary>Whether a child of this process can be signalled at all.</summary>
internal static class Signals
{
    /// <summary>
    /// Skips the test where the signal is ignored: a shell without job control starts background commands with SIGINT
    /// ignored, and their children inherit that.
    /// </summary>
    public static void AssumeDelivered(int signal)
    {
        if (!OperatingSystem.IsLinux())
            return;
        var ignored = File.ReadLines("/proc/self/status").First(static line => line.StartsWith("SigIgn:", StringComparison.Ordinal));
        var mask = ulong.Parse(ignored.AsSpan("SigIgn:".Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        Assume.That(mask & (1UL << (signal - 1)), Is.Zero, "the signal is ignored in this process and its children");
    }
}
