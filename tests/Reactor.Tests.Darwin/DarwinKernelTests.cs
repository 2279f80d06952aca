using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The contract, kept by the kernel of macOS, and what macOS does otherwise.</summary>
[TestFixture]
public sealed class DarwinKernelTests : KernelContract
{
    // Of Linux, as those of SocketOptions are.
    private const int SO_REUSEADDR = 2;
    private const int SO_REUSEPORT = 15;
    private const int IPV6_V6ONLY = 26;

    // What the options come out as below, read by Linux's numbers.
    private static readonly (SocketOption Option, int Value, int Level, int Name, int Found)[] _options =
    [
        (SocketOption.NoDelay, 1, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_NODELAY, 1),
        (SocketOption.KeepAlive, 1, SocketOptions.SOL_SOCKET, SocketOptions.SO_KEEPALIVE, 1),
        (SocketOption.KeepAliveIdle, 123, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_KEEPIDLE, 123),
        (SocketOption.KeepAliveInterval, 45, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_KEEPINTVL, 45),
        (SocketOption.KeepAliveCount, 6, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_KEEPCNT, 6),
        (SocketOption.UserTimeout, 1_001, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_USER_TIMEOUT, 2_000),
        (SocketOption.SendBuffer, 65_536, SocketOptions.SOL_SOCKET, SocketOptions.SO_SNDBUF, 131_072),
        (SocketOption.ReceiveBuffer, 32_768, SocketOptions.SOL_SOCKET, SocketOptions.SO_RCVBUF, 65_536),
        (SocketOption.TypeOfService, 0x10, SocketOptions.IPPROTO_IP, SocketOptions.IP_TOS, 0x10),
        (SocketOption.DontRoute, 1, SocketOptions.SOL_SOCKET, SocketOptions.SO_DONTROUTE, 1),
        (SocketOption.OutOfBandInline, 1, SocketOptions.SOL_SOCKET, SocketOptions.SO_OOBINLINE, 1),
        (SocketOption.ReuseAddress, 1, SocketOptions.SOL_SOCKET, SO_REUSEADDR, 1),
        (SocketOption.ReusePort, 1, SocketOptions.SOL_SOCKET, SO_REUSEPORT, 1),
    ];

    [Test]
    public void What_stands_on_its_poller_is_built_in_with_libkqueue()
    {
        if (KqueueLibrary.Path is null) Assert.Ignore(KqueueLibrary.WhatIsMissing);

        Assert.That(GetType().Assembly.GetType("Reactor.Tests.DarwinPollerTests"), Is.Not.Null, "It was built without the variable: build it again.");
    }

    [Test]
    public void The_numbers_of_Linux_mean_nothing_to_its_libc()
    {
        Assert.That(System, Is.TypeOf<DarwinKernel>());

        var descriptor = Libc.socket(LinuxAbi.AF_INET6, UnixAbi.SOCK_STREAM | LinuxAbi.SOCK_NONBLOCK, 0);

        Assert.That(descriptor, Is.EqualTo(-1));
        Assert.That(Libc.errno, Is.EqualTo(47), "EAFNOSUPPORT");
    }

    [Test]
    public void Every_option_that_both_systems_have_is_set()
    {
        var descriptor = Open(System.Socket(AddressFamily.InterNetwork));
        using (Assert.EnterMultipleScope())
        {
            foreach (var (option, value, level, name, found) in _options)
            {
                Assert.That(System.SetOption(descriptor, option, value), Is.Zero, option.ToString());
                Assert.That(SocketOptions.Get(descriptor, level, name), Is.EqualTo(found), option.ToString());
            }

            Assert.That(System.SetOption(descriptor, SocketOption.Linger, 7), Is.Zero);
            Assert.That(SocketOptions.Linger(descriptor), Is.EqualTo(7));
            Assert.That(System.BindToDevice(descriptor, "lo"), Is.Zero);
            Assert.That(SocketOptions.Device(descriptor), Is.EqualTo("lo"));
        }
    }

    [Test]
    public void Every_option_of_IPv6_is_set()
    {
        Loopback.NeedIPv6OrSkip();
        var descriptor = Open(System.Socket(AddressFamily.InterNetworkV6));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(System.SetOption(descriptor, SocketOption.IPv6Only, 1), Is.Zero);
            Assert.That(SocketOptions.Get(descriptor, SocketOptions.IPPROTO_IPV6, IPV6_V6ONLY), Is.EqualTo(1));
            Assert.That(System.SetOption(descriptor, SocketOption.TrafficClass, 0x20), Is.Zero);
            Assert.That(SocketOptions.Get(descriptor, SocketOptions.IPPROTO_IPV6, SocketOptions.IPV6_TCLASS), Is.EqualTo(0x20));
            Assert.That(System.BindToDevice(descriptor, "lo"), Is.Zero);
            Assert.That(SocketOptions.Device(descriptor), Is.EqualTo("lo"));
        }
    }

    [TestCase(SocketOption.BindAddressNoPort)]
    [TestCase(SocketOption.DeferAccept)]
    [TestCase(SocketOption.FastOpenConnect)]
    public void An_option_that_only_Linux_has_is_ENOPROTOOPT(SocketOption option) =>
        Assert.That(System.SetOption(Open(System.Socket(AddressFamily.InterNetwork)), option, 1), Is.EqualTo(-(int)Errno.ENOPROTOOPT));

    [Test]
    public void FastOpen_is_on_or_off_and_only_of_one_that_listens()
    {
        var listener = Listening(out _);

        Assert.That(System.SetOption(listener, SocketOption.FastOpen, 1), Is.Zero);
        Assert.That(System.SetOption(listener, SocketOption.FastOpen, 16), Is.Zero, "It takes 0 and 1 alone, and our length of a queue is a 1 to it.");
        Assert.That(System.SetOption(Open(System.Socket(AddressFamily.InterNetwork)), SocketOption.FastOpen, 1), Is.EqualTo(-(int)Errno.EINVAL));
    }

    [Test]
    public void The_type_of_service_of_IPv4_is_passed_over_on_an_IPv6_socket()
    {
        var descriptor = Open(System.Socket(AddressFamily.InterNetworkV6));

        Assert.That(System.SetOption(descriptor, SocketOption.TypeOfService, 0x10), Is.Zero);
        Assert.That(System.SetOption(descriptor, SocketOption.TrafficClass, 0x10), Is.Zero);
    }

    [Test]
    public void A_full_Unix_domain_listener_refuses()
    {
        using var directory = new ScratchDirectory();
        using var listener = RawListener.Start(new UnixDomainSocketEndPoint(directory.File("s")), backlog: 0);
        var address = listener.LocalEndPoint.Serialize();

        Assert.That(System.Connect(Open(System.Socket(AddressFamily.Unix)), address), Is.Zero);
        Assert.That(System.Connect(Open(System.Socket(AddressFamily.Unix)), address), Is.EqualTo(-(int)Errno.ECONNREFUSED));
    }

    [Test]
    public void An_IPv6_client_that_has_reset_already_is_ECONNABORTED_and_leaves_nothing()
    {
        using var listener = RawListener.Start(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        var descriptor = (int)listener.Socket.Handle;
        Assert.That(System.Adopt(descriptor), Is.Zero);
        var sockets = Descriptors.Sockets();
        using (var gone = RawPeer.Dial(listener.LocalEndPoint))
            gone.Reset();

        Assert.That(Answered(() => System.Accept(descriptor, NewAddress())), Is.EqualTo(-(int)Errno.ECONNABORTED));
        Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
    }

    [Test]
    public void An_unnamed_Unix_domain_client_has_the_family_alone_for_an_address()
    {
        using var directory = new ScratchDirectory();
        using var listener = RawListener.Start(new UnixDomainSocketEndPoint(directory.File("s")));
        var peer = NewAddress();
        var client = Open(System.Socket(AddressFamily.Unix));
        Assert.That(System.Connect(client, listener.LocalEndPoint.Serialize()), Is.Zero);
        Assert.That(System.Adopt((int)listener.Socket.Handle), Is.Zero);

        var accepted = Open(Answered(() => System.Accept((int)listener.Socket.Handle, peer)));

        Assert.That(peer.Size, Is.EqualTo(sizeof(ushort)));
        Assert.That(System.PeerAddress(accepted, peer), Is.Zero);
        Assert.That(peer.Size, Is.EqualTo(sizeof(ushort)));
        Assert.That(System.PeerAddress(client, peer), Is.Zero);
        Assert.That(peer.Size, Is.GreaterThan(sizeof(ushort)), "The listener has a name.");
    }

    [Test]
    public void A_reset_is_one_also_after_both_sides_were_shut()
    {
        var (near, far) = Pair();
        using (far)
        {
            Assert.That(System.Shutdown(near, SocketShutdown.Both), Is.Zero);

            Assert.That(System.SetOption(near, SocketOption.Linger, 0), Is.Zero);
        }
    }

    [Test]
    public void An_accepted_socket_has_no_SIGPIPE_either_and_neither_has_an_adopted_one_s()
    {
        using var adopted = RawListener.Start();
        var listener = (int)adopted.Socket.Handle;
        Assert.That(System.Adopt(listener), Is.Zero);
        using var far = RawPeer.Dial(adopted.LocalEndPoint);
        var accepted = Open(Answered(() => System.Accept(listener, NewAddress())));
        System.Shutdown(accepted, SocketShutdown.Send);

        // The signal would end this process.
        Assert.That(System.Send(accepted, new byte[1]), Is.EqualTo(-(int)Errno.EPIPE));
        Assert.That(System.Send(accepted, new IoVector[1]), Is.EqualTo(-(int)Errno.EPIPE));
        Assert.That(System.Shutdown(accepted, SocketShutdown.Send), Is.EqualTo(-(int)Errno.ENOTCONN));
    }

    [Test]
    public void Nobody_is_behind_a_Unix_domain_socket_that_is_not_connected() =>
        Assert.That(System.PeerCredentials(Open(System.Socket(AddressFamily.Unix)), out _), Is.EqualTo(-(int)Errno.ENOTCONN));

    [Test]
    public void A_missing_poller_is_an_errno_and_not_a_crash()
    {
        if (KqueueLibrary.Path is not null) Assert.Ignore("There is a poller: REACTOR_KQUEUE_LIBRARY names one.");

        Assert.That(System.CreatePoller(out var poller), Is.EqualTo(-(int)Errno.ENOSYS));
        Assert.That(poller, Is.Null);
    }
}
