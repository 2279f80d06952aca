namespace Reactor.Testing;

/// <summary>The calls of <see cref="Kernel"/> and <see cref="Poller"/>, each under the name that it has there.</summary>
public enum KernelCall
{
    /// <summary><see cref="Kernel.Socket"/>: socket(2).</summary>
    Socket,

    /// <summary><see cref="Kernel.Bind"/>: bind(2).</summary>
    Bind,

    /// <summary><see cref="Kernel.Listen"/>: listen(2).</summary>
    Listen,

    /// <summary><see cref="Kernel.Adopt"/>: fcntl(2) and getsockopt(2).</summary>
    Adopt,

    /// <summary><see cref="Kernel.Accept"/>: accept(2).</summary>
    Accept,

    /// <summary><see cref="Kernel.Connect"/>: connect(2).</summary>
    Connect,

    /// <summary><see cref="Kernel.Receive"/>: recv(2).</summary>
    Receive,

    /// <summary><see cref="Kernel.Peek"/>: recv(2) that leaves the bytes.</summary>
    Peek,

    /// <summary><see cref="Kernel.Send(int, ReadOnlySpan{byte})"/>: send(2).</summary>
    Send,

    /// <summary><see cref="Kernel.Send(int, ReadOnlySpan{IoVector})"/>: sendmsg(2) of several pieces.</summary>
    Gather,

    /// <summary><see cref="Kernel.SendUrgent"/>: send(2) of an urgent byte.</summary>
    SendUrgent,

    /// <summary><see cref="Kernel.ReceiveUrgent"/>: recv(2) of the urgent byte.</summary>
    ReceiveUrgent,

    /// <summary><see cref="Kernel.IsAtMark"/>: sockatmark(3).</summary>
    IsAtMark,

    /// <summary><see cref="Kernel.Shutdown"/>: shutdown(2).</summary>
    Shutdown,

    /// <summary><see cref="Kernel.Close"/>: close(2).</summary>
    Close,

    /// <summary><see cref="Kernel.SetOption"/>: setsockopt(2).</summary>
    SetOption,

    /// <summary><see cref="Kernel.BindToDevice"/>: setsockopt(2) of <c>SO_BINDTODEVICE</c>.</summary>
    BindToDevice,

    /// <summary><see cref="Kernel.PeerCredentials"/>: getsockopt(2) of <c>SO_PEERCRED</c>.</summary>
    PeerCredentials,

    /// <summary><see cref="Kernel.SocketError"/>: getsockopt(2) of <c>SO_ERROR</c>.</summary>
    SocketError,

    /// <summary><see cref="Kernel.LocalAddress"/>: getsockname(2).</summary>
    LocalAddress,

    /// <summary><see cref="Kernel.PeerAddress"/>: getpeername(2).</summary>
    PeerAddress,

    /// <summary><see cref="Kernel.Unlink"/>: unlink(2).</summary>
    Unlink,

    /// <summary><see cref="Kernel.SetMode"/>: chmod(2).</summary>
    SetMode,

    /// <summary><see cref="Kernel.SetOwner"/>: chown(2).</summary>
    SetOwner,

    /// <summary><see cref="Kernel.IsStaleSocket"/>: statx(2), and connect(2) with a datagram socket.</summary>
    IsStaleSocket,

    /// <summary><see cref="Kernel.CreatePoller"/>: epoll_create1(2) and eventfd(2).</summary>
    CreatePoller,

    /// <summary><see cref="Poller.Add"/>: epoll_ctl(2).</summary>
    Add,

    /// <summary><see cref="Poller.Remove"/>: epoll_ctl(2).</summary>
    Remove,

    /// <summary><see cref="Poller.Wait"/>: epoll_wait(2).</summary>
    Wait,

    /// <summary><see cref="Poller.Wake"/>: write(2) to the eventfd.</summary>
    Wake,
}

/// <summary>What may happen to each call.</summary>
internal static class KernelCallTraits
{
    extension(KernelCall call)
    {
        /// <summary>What the poller tells of when the call, having been answered that it must wait, can be made.</summary>
        internal Readiness Awaited => call switch
        {
            KernelCall.Accept or KernelCall.Receive or KernelCall.Peek => Readiness.Readable,
            KernelCall.ReceiveUrgent => Readiness.Urgent,
            KernelCall.Connect or KernelCall.Send or KernelCall.Gather or KernelCall.SendUrgent => Readiness.Writable,
            _ => Readiness.None,
        };

        internal bool CanBeShort => call is KernelCall.Receive or KernelCall.Peek or KernelCall.Send or KernelCall.Gather;

        internal bool CanBeInterrupted => call == KernelCall.Wait || call.Awaited != Readiness.None;

        internal bool IsAboutOneDescriptor => call is not (KernelCall.Socket or KernelCall.Unlink or KernelCall.SetMode or KernelCall.SetOwner
            or KernelCall.IsStaleSocket or KernelCall.CreatePoller or KernelCall.Wait or KernelCall.Wake);
    }
}
