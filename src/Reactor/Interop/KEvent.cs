using System.Runtime.InteropServices;

namespace Reactor;

/// <summary><c>struct kevent</c> of kqueue(2), the same on every 64-bit macOS: 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KEvent
{
    public nuint ident;
    public short filter;
    public ushort flags;
    public uint fflags;
    public nint data;
    public ulong udata;
}

/// <summary><c>struct timespec</c>, the same on every 64-bit system.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Timespec
{
    public nint tv_sec;
    public nint tv_nsec;
}
