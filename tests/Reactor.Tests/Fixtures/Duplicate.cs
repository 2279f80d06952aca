using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Reactor.Tests.Fixtures;

/// <summary>A second descriptor of one socket, from dup(2).</summary>
internal static partial class Duplicate
{
    public static SafeFileHandle Of(int descriptor)
    {
        var duplicate = dup(descriptor);
        return duplicate >= 0 ? new SafeFileHandle(duplicate, ownsHandle: true) : throw new InvalidOperationException("dup failed");
    }

    [LibraryImport("libc")]
    private static partial int dup(int descriptor);
}
