// What a connector does, step by step on the lower level: a non-blocking connect that waits in a poller.
using System.Net;
using System.Net.Sockets;
using Reactor;

using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
listener.Listen();
var address = (IPEndPoint)listener.LocalEndPoint!;

Console.WriteLine($"Somebody listens on {address}.");
Console.WriteLine($"  {Describe(ConnectByHand(address))}");
listener.Close();
Console.WriteLine("Nobody listens there any more.");
Console.WriteLine($"  {Describe(ConnectByHand(address))}");

static string Describe(Errno errno) => errno == Errno.None ? "connected" : $"{errno.Name}: {errno.Text}";

static Errno ConnectByHand(IPEndPoint address)
{
    // Every call of the kernel answers a count or a descriptor, or an errno with its sign changed. Nothing throws.
    var kernel = Kernel.System;
    if (kernel.CreatePoller(out var poller) is < 0 and var failed)
        return (Errno)(-failed);
    using (poller)
    {
        var descriptor = kernel.Socket(address.AddressFamily);
        if (descriptor < 0)
            return (Errno)(-descriptor);
        try
        {
            // The socket is non-blocking: connect sends the SYN and comes back. After EINTR, too, the handshake goes on, and
            // a second call would only answer EALREADY. 0 is possible as well, and any other errno is the end: ENETUNREACH
            // when there is no route, EADDRNOTAVAIL when no port is left.
            var answer = kernel.Connect(descriptor, address.Serialize());
            if (answer is not (-(int)Errno.EINPROGRESS or -(int)Errno.EINTR))
                return (Errno)(-answer);

            // Added once, for both directions and edge triggered. The token comes back with each event and tells whose it
            // is; its generation makes an event for an earlier socket with the same number recognisable.
            var token = new Token(Slot: 1, Generation: 1);
            if (poller!.Add(descriptor, token) is < 0 and var refused)
                return (Errno)(-refused);
            return WaitForEnd(kernel, poller, descriptor);
        }
        finally
        {
            // The poller forgets a descriptor before it is closed: a duplicate in a child process would keep the
            // registration alive. After a failure, too, there is nothing else to do with a socket.
            _ = poller!.Remove(descriptor);
            _ = kernel.Close(descriptor);
        }
    }
}

static Errno WaitForEnd(Kernel kernel, Poller poller, int descriptor)
{
    Span<PollEvent> events = stackalloc PollEvent[8];
    var peer = new SocketAddress(AddressFamily.InterNetwork, Kernel.AddressSize);
    while (true)
    {
        var count = poller.Wait(events, timeoutMs: 5_000);
        if (count == 0)
            return Errno.ETIMEDOUT;
        if (count == -(int)Errno.EINTR)
            continue;
        if (count < 0)
            return (Errno)(-count);
        Console.WriteLine($"  the poller says {events[0].Readiness}");

        // Writable proves nothing, for a failed connect is writable too: SO_ERROR knows. While it says EINPROGRESS, or says
        // nothing and there is no peer, the event came for nothing and the wait goes on.
        var error = (Errno)(-kernel.SocketError(descriptor));
        if (error is not (Errno.None or Errno.EINPROGRESS))
            return error;
        if (error == Errno.None && kernel.PeerAddress(descriptor, peer) >= 0)
            return Errno.None;
    }
}
