using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Reactor.Benchmarks.Fixtures;

/// <summary>What carries the bytes.</summary>
public enum Transport
{
    /// <summary>TCP over loopback.</summary>
    Tcp,

    /// <summary>A Unix-domain stream socket.</summary>
    Unix,
}

internal static class TransportEndPoint
{
    private static int _made;

    extension(Transport transport)
    {
        /// <summary>An address of this process to listen on; a Unix-domain one has a file that is not there yet.</summary>
        internal EndPoint NewEndPoint() => transport switch
        {
            Transport.Tcp => new IPEndPoint(IPAddress.Loopback, 0),
            _ => new UnixDomainSocketEndPoint(Path.Combine(
                Path.GetTempPath(),
                string.Create(CultureInfo.InvariantCulture, $"reactor-{Environment.ProcessId}-{Interlocked.Increment(ref _made)}.sock"))),
        };
    }
}
