using System.Runtime.InteropServices;

namespace Reactor;

/// <summary><c>struct iovec</c>: one piece of memory of a gathering send. The memory is pinned by who fills this in.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct IoVector
{
    /// <summary>Where the piece begins.</summary>
    public byte* Base;

    /// <summary>Its length in bytes.</summary>
    public nuint Length;

    /// <summary>Describes <paramref name="length"/> bytes from <paramref name="start"/> on.</summary>
    public IoVector(byte* start, int length)
    {
        Base = start;
        Length = (nuint)length;
    }
}
