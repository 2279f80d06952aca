using System.Net;

namespace Reactor;

/// <summary>A listener could not be made, or ended by an error; it names the call, the errno and the address.</summary>
/// <param name="syscall">The call, as its man page names it.</param>
/// <param name="errno">What it answered.</param>
/// <param name="endPoint">The address.</param>
public sealed class ListenException(string syscall, Errno errno, EndPoint? endPoint) : KernelException(syscall, errno, endPoint);
