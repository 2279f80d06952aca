using System.Net;
using System.Net.Sockets;

namespace Reactor;

/// <summary>
/// A descriptor kept for the day when there are none left: given up for a moment, it lets the listener accept one
/// connection and close it, so that the client is told instead of waiting.
/// </summary>
internal sealed class ReserveDescriptor : IDisposable
{
    private readonly Kernel _kernel;

    // Negative while it could not be had (back).
    private int _descriptor;

    internal ReserveDescriptor(Kernel kernel)
    {
        _kernel = kernel;
        Take();
    }

    /// <summary>Gives a descriptor's place back.</summary>
    public void Dispose()
    {
        if (_descriptor >= 0) _ = _kernel.Close(_descriptor);
        _descriptor = -1;
    }

    /// <summary>Accepts one waiting connection and closes it.</summary>
    /// <returns>
    /// 0 when that was done. <see cref="Errno.EAGAIN"/>, negative, when none waits after all: Linux takes a descriptor before
    /// it looks. Another errno when not even this is possible; another thread may have taken the descriptor's place.
    /// </returns>
    internal int RefuseOne(int listening, SocketAddress scratch)
    {
        if (_descriptor < 0) Take();
        if (_descriptor < 0) return _descriptor;

        Dispose();
        var accepted = _kernel.Accept(listening, scratch);
        if (accepted >= 0) _ = _kernel.Close(accepted);
        Take();
        return Math.Min(accepted, 0);
    }

    private void Take() => _descriptor = _kernel.Socket(AddressFamily.InterNetwork);
}
