using System.Runtime.InteropServices;

namespace Reactor;

/// <summary>
/// Where the fields of <c>struct epoll_event</c> lie. The kernel packs it on x64 alone, so that the 32-bit layout fits
/// there too (<c>EPOLL_PACKED</c> in <c>linux/eventpoll.h</c>); elsewhere the 64-bit data is aligned.
/// </summary>
/// <param name="Size">Bytes from one event to the next.</param>
/// <param name="DataOffset">Where <c>data</c> begins; <c>events</c> is at 0.</param>
internal readonly record struct EpollEventLayout(int Size, int DataOffset)
{
    internal static EpollEventLayout For(Architecture architecture) => architecture == Architecture.X64 ? new(12, 4) : new(16, 8);
}
