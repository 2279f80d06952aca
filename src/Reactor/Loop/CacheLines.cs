using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Reactor;

/// <summary>The processor's cache: what is asked for ahead of its use is there when it is used.</summary>
internal static unsafe class CacheLines
{
    private const int Size = 64;

    /// <summary>Asks for the first lines of an object. The collector may move it meanwhile: then the wrong ones come, and nothing else happens.</summary>
    /// <param name="target">The object.</param>
    /// <param name="lines">How many; a few.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Prefetch(object? target, int lines)
    {
        // .NET has no such call for arm64.
        if (!Sse.IsSupported || target is null) return;
        var start = Unsafe.As<object, nint>(ref target);
        for (var i = 0; i < lines; i++) Sse.Prefetch0((void*)(start + (i * Size)));
    }
}
