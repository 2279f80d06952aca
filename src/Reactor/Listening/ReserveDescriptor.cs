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
    /// <returns>False when not even that is possible, or there is none: another thread may have taken the place.</returns>
    internal bool TryRefuse(int listening, SocketAddress scratch)
    {
        if (_descriptor < 0) Take();
        if (_descriptor < 0) return false;

        Dispose();
        var accepted = _kernel.Accept(listening, scratch);
        if (accepted >= 0) _ = _kernel.Close(accepted);
        Take();
        return accepted >= 0;
    }

    private void Take() => _descriptor = _kernel.Socket(AddressFamily.InterNetwork);
}
