using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>
/// What every kernel must do, whatever system is behind it: each call answers a count or a negative errno, by the real system. A
/// class for each kernel inherits this.
/// </summary>
public abstract class KernelContract
{
    private protected static readonly Kernel System = Kernel.System;

    private readonly List<int> _open = [];

    [TearDown]
    public void Close_descriptors()
    {
        foreach (var descriptor in _open)
            System.Close(descriptor);
        _open.Clear();
    }

    [Test]
    public void A_socket_is_non_blocking_and_close_on_exec()
    {
        var descriptor = Open(System.Socket(AddressFamily.InterNetwork));

        // /proc/self/fdinfo gives the flags in octal: O_NONBLOCK 04000, O_CLOEXEC 02000000.
        Assert.That(Flags(descriptor) & 0x800, Is.Not.Zero, "O_NONBLOCK");
        Assert.That(Flags(descriptor) & 0x80000, Is.Not.Zero, "O_CLOEXEC");
    }

    [Test]
    public void An_accepted_socket_is_non_blocking_and_close_on_exec_and_tells_its_peer()
    {
        var listener = Listening(out var endPoint);
        using var dialled = RawPeer.Dial(endPoint);
        var peer = NewAddress();

        var accepted = Open(Answered(() => System.Accept(listener, peer)));

        Assert.That(Flags(accepted) & 0x80800, Is.EqualTo(0x80800));
        Assert.That(new IPEndPoint(0, 0).Create(peer), Is.EqualTo(dialled.LocalEndPoint));
    }

    [Test]
    public void Accept_without_anyone_waiting_is_EAGAIN()
    {
        var listener = Listening(out _);

        Assert.That(System.Accept(listener, NewAddress()), Is.EqualTo(-(int)Errno.EAGAIN));
    }

    [Test]
    public void An_unknown_family_is_EAFNOSUPPORT() =>
        Assert.That(System.Socket(AddressFamily.AppleTalk), Is.EqualTo(-(int)Errno.EAFNOSUPPORT));

    [Test]
    public void A_descriptor_that_is_none_is_EBADF_in_every_call()
    {
        var address = Loopback.AnyPort.Serialize();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(System.Bind(-1, address), Is.EqualTo(-(int)Errno.EBADF));
            Assert.That(System.Listen(-1, 1), Is.EqualTo(-(int)Errno.EBADF));
            Assert.That(System.Accept(-1, NewAddress()), Is.EqualTo(-(int)Errno.EBADF));
            Assert.That(System.Connect(-1, address), Is.EqualTo(-(int)Errno.EBADF));
            Assert.That(System.Receive(-1, new byte[1]), Is.EqualTo(-(int)Errno.EBADF));
            Assert.That(System.Peek(-1, new byte[1]), Is.EqualTo(-(int)Errno.EBADF));
            Assert.That(System.Send(-1, new byte[1]), Is.EqualTo(-(int)Errno.EBADF));
            Assert.That(System.Send(-1, new IoVector[1]), Is.EqualTo(-(int)Errno.EBADF));
            Assert.That(System.Shutdown(-1, SocketShutdown.Both), Is.EqualTo(-(int)Errno.EBADF));
            Assert.That(System.Close(-1), Is.EqualTo(-(int)Errno.EBADF));
            Assert.That(System.SetOption(-1, SocketOption.NoDelay, 1), Is.EqualTo(-(int)Errno.EBADF));
            Assert.That(System.SocketError(-1), Is.EqualTo(-(int)Errno.EBADF));
            Assert.That(System.LocalAddress(-1, NewAddress()), Is.EqualTo(-(int)Errno.EBADF));
            Assert.That(System.PeerAddress(-1, NewAddress()), Is.EqualTo(-(int)Errno.EBADF));
        }
    }

    [Test]
    public void Peeking_leaves_the_bytes_where_they_are()
    {
        var (near, far) = Pair();
        using (far)
        {
            far.Send("abc");
            var buffer = new byte[8];

            Assert.That(Answered(() => System.Peek(near, buffer)), Is.EqualTo(3));
            Assert.That(System.Receive(near, buffer), Is.EqualTo(3));
            Assert.That(buffer[..3], Is.EqualTo("abc"u8.ToArray()));
            Assert.That(System.Receive(near, buffer), Is.EqualTo(-(int)Errno.EAGAIN));
        }
    }

    [Test]
    public unsafe void A_gathering_send_sends_the_pieces_in_order()
    {
        var (near, far) = Pair();
        using (far)
        {
            fixed (byte* first = "hel"u8, second = "lo"u8)
            {
                Assert.That(System.Send(near, [new IoVector(first, 3), new IoVector(second, 2)]), Is.EqualTo(5));
            }

            Assert.That(far.ReadText(5), Is.EqualTo("hello"));
        }
    }

    [Test]
    public void The_end_of_the_stream_is_zero()
    {
        var (near, far) = Pair();
        far.Dispose();

        Assert.That(Answered(() => System.Receive(near, new byte[1])), Is.Zero);
    }

    [Test]
    public void Sending_to_who_is_gone_is_EPIPE_and_no_signal()
    {
        var (near, far) = Pair();
        using (far)
        {
            System.Shutdown(near, SocketShutdown.Send);

            // A SIGPIPE would end this process.
            Assert.That(System.Send(near, new byte[1]), Is.EqualTo(-(int)Errno.EPIPE));
        }
    }

    [Test]
    public void Linger_of_zero_seconds_makes_close_a_reset()
    {
        var (near, far) = Pair();
        using (far)
        {
            Assert.That(System.SetOption(near, SocketOption.Linger, 0), Is.Zero);
            System.Close(near);
            _open.Remove(near);

            Assert.That(far.EndsInOrder(), Is.False);
        }
    }

    [Test]
    public void PeerAddress_of_an_unconnected_socket_is_ENOTCONN()
    {
        var descriptor = Open(System.Socket(AddressFamily.InterNetwork));

        Assert.That(System.PeerAddress(descriptor, NewAddress()), Is.EqualTo(-(int)Errno.ENOTCONN));
    }

    [Test]
    public void A_path_is_stale_when_it_is_a_socket_that_nobody_has_open()
    {
        using var directory = new ScratchDirectory();
        var file = directory.File("plain");
        File.WriteAllText(file, "no socket");
        var path = directory.File("s");
        var bound = System.Socket(AddressFamily.Unix);
        Assert.That(System.Bind(bound, new UnixDomainSocketEndPoint(path).Serialize()), Is.Zero);
        Assert.That(System.IsStaleSocket(path), Is.Zero, "Bound, and not listening yet.");

        Assert.That(System.Listen(bound, 0), Is.Zero);
        Assert.That(System.IsStaleSocket(path), Is.Zero, "Listening.");
        Assert.That(System.Accept(bound, NewAddress()), Is.EqualTo(-(int)Errno.EAGAIN), "No client came of asking.");

        using (var waiting = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            waiting.Connect(new UnixDomainSocketEndPoint(path));
            Assert.That(System.IsStaleSocket(path), Is.Zero, "Its backlog is full.");
        }

        System.Close(bound);
        Assert.That(System.IsStaleSocket(path), Is.EqualTo(1));
        Assert.That(System.IsStaleSocket(file), Is.Zero);
        Assert.That(System.IsStaleSocket(directory.File("absent")), Is.EqualTo(-(int)Errno.ENOENT));
        Assert.That(System.Unlink(file), Is.Zero);
        Assert.That(System.Unlink(file), Is.EqualTo(-(int)Errno.ENOENT));
    }

    [Test]
    public void A_refused_connect_is_EINPROGRESS_and_then_ECONNREFUSED_once()
    {
        using var nobody = Loopback.Refusing();
        var descriptor = Open(System.Socket(AddressFamily.InterNetwork));

        Assert.That(System.Connect(descriptor, nobody.EndPoint.Serialize()), Is.EqualTo(-(int)Errno.EINPROGRESS));

        var error = 0;
        Until.Holds(() => (error = System.SocketError(descriptor)) != 0, Until.Limit);
        Assert.That(error, Is.EqualTo(-(int)Errno.ECONNREFUSED));
        Assert.That(System.SocketError(descriptor), Is.Zero);
    }

    [Test]
    public void An_address_in_use_is_EADDRINUSE_and_another_machine_s_is_EADDRNOTAVAIL()
    {
        using var taken = Loopback.Refusing();
        var descriptor = Open(System.Socket(AddressFamily.InterNetwork));

        Assert.That(System.Bind(descriptor, taken.EndPoint.Serialize()), Is.EqualTo(-(int)Errno.EADDRINUSE));
        Assert.That(System.Bind(descriptor, new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0).Serialize()), Is.EqualTo(-(int)Errno.EADDRNOTAVAIL));
    }

    [TestCase(AddressFamily.InterNetwork)]
    [TestCase(AddressFamily.InterNetworkV6)]
    [TestCase(AddressFamily.Unix)]
    public void Every_family_has_its_sockets(AddressFamily family)
    {
        if (family == AddressFamily.InterNetworkV6) Loopback.NeedIPv6OrSkip();

        Open(System.Socket(family));
    }

    [Test]
    public void A_listening_socket_that_blocks_is_adopted_and_any_other_is_EINVAL()
    {
        using var listener = RawListener.Start();
        var descriptor = (int)listener.Socket.Handle;
        Assert.That(Flags(descriptor) & 0x800, Is.Zero, "O_NONBLOCK, before");

        Assert.That(System.Adopt(descriptor), Is.Zero);

        Assert.That(Flags(descriptor) & 0x80800, Is.EqualTo(0x80800));
        Assert.That(System.Adopt(Open(System.Socket(AddressFamily.InterNetwork))), Is.EqualTo(-(int)Errno.EINVAL));
    }

    [Test]
    public void The_urgent_byte_is_beside_the_stream_and_its_mark_in_it()
    {
        var (near, far) = Pair();
        using (far)
        {
            var buffer = new byte[8];
            Assert.That(System.ReceiveUrgent(near, buffer), Is.EqualTo(-(int)Errno.EINVAL));
            far.Send("ab");
            far.Socket.Send("!"u8, SocketFlags.OutOfBand);

            Assert.That(Answered(() => System.ReceiveUrgent(near, buffer) is var answer && answer == -(int)Errno.EINVAL ? -(int)Errno.EAGAIN : answer), Is.EqualTo(1));
            Assert.That(buffer[0], Is.EqualTo((byte)'!'));
            Assert.That(System.IsAtMark(near), Is.Zero);
            Assert.That(System.Receive(near, buffer), Is.EqualTo(2));
            Assert.That(System.IsAtMark(near), Is.EqualTo(1));

            Assert.That(System.SendUrgent(near, "?"u8), Is.EqualTo(1));
            Until.Holds(() => far.Socket.Poll(0, SelectMode.SelectError), Until.Limit);
            Assert.That(far.Socket.Receive(buffer, SocketFlags.OutOfBand), Is.EqualTo(1));
            Assert.That(buffer[0], Is.EqualTo((byte)'?'));
        }
    }

    [Test]
    public void Who_is_behind_a_Unix_domain_connection_is_told()
    {
        using var directory = new ScratchDirectory();
        using var listener = RawListener.Start(new UnixDomainSocketEndPoint(directory.File("s")));
        var descriptor = Open(System.Socket(AddressFamily.Unix));
        Assert.That(System.Connect(descriptor, listener.LocalEndPoint.Serialize()), Is.Zero);

        Assert.That(System.PeerCredentials(descriptor, out var credentials), Is.Zero);

        Assert.That(credentials.ProcessId, Is.EqualTo(Environment.ProcessId));
    }

    [Test]
    public void The_mode_and_the_owner_of_a_file_are_set()
    {
        using var directory = new ScratchDirectory();
        var file = directory.File("plain");
        File.WriteAllText(file, "");

        Assert.That(System.SetMode(file, UnixFileMode.UserRead | UnixFileMode.GroupWrite), Is.Zero);
        Assert.That(System.SetOwner(file, -1, -1), Is.Zero);

        Assert.That(new FileInfo(file).UnixFileMode, Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.GroupWrite));
        Assert.That(System.SetMode(directory.File("absent"), UnixFileMode.None), Is.EqualTo(-(int)Errno.ENOENT));
        Assert.That(System.SetOwner(directory.File("absent"), -1, -1), Is.EqualTo(-(int)Errno.ENOENT));
    }

    [Test]
    public void A_device_that_there_is_not_is_ENODEV() =>
        Assert.That(System.BindToDevice(Open(System.Socket(AddressFamily.InterNetwork)), "no-such-if"), Is.EqualTo(-(int)Errno.ENODEV));

    [Test]
    public void The_clock_is_monotonic_and_counts_nanoseconds()
    {
        var first = System.Timestamp;
        SpinWait.SpinUntil(static () => false, TimeSpan.FromMilliseconds(20));
        var second = System.Timestamp;

        Assert.That(second - first, Is.GreaterThanOrEqualTo(15_000_000));
    }

    private protected static SocketAddress NewAddress() => new(AddressFamily.InterNetwork, Kernel.AddressSize);

    /// <summary>Loopback is quick and not instant: asks until the answer is another than EAGAIN.</summary>
    private protected static int Answered(Func<int> call)
    {
        var answer = -(int)Errno.EAGAIN;
        Until.Holds(() => (answer = call()) != -(int)Errno.EAGAIN, Until.Limit);
        return answer;
    }

    private protected static int Flags(int descriptor)
    {
        var line = File.ReadLines($"/proc/self/fdinfo/{descriptor}").Single(static line => line.StartsWith("flags:", StringComparison.Ordinal));
        return Convert.ToInt32(line["flags:".Length..].Trim(), fromBase: 8);
    }

    private protected int Open(int descriptor)
    {
        Assert.That(descriptor, Is.GreaterThanOrEqualTo(0));
        _open.Add(descriptor);
        return descriptor;
    }

    private protected int Listening(out EndPoint endPoint)
    {
        var listener = Open(System.Socket(AddressFamily.InterNetwork));
        Assert.That(System.Bind(listener, Loopback.AnyPort.Serialize()), Is.Zero);
        Assert.That(System.Listen(listener, 16), Is.Zero);
        var address = NewAddress();
        Assert.That(System.LocalAddress(listener, address), Is.Zero);
        endPoint = new IPEndPoint(0, 0).Create(address);
        return listener;
    }

    private protected (int Near, RawPeer Far) Pair()
    {
        var listener = Listening(out var endPoint);
        var far = RawPeer.Dial(endPoint);
        return (Open(Answered(() => System.Accept(listener, NewAddress()))), far);
    }
}
