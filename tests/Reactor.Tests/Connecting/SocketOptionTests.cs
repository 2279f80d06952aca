using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;
using static Reactor.Tests.Fixtures.SocketOptions;

namespace Reactor.Tests;

/// <summary>The options of a socket, read back from the kernel: of one that was dialled, and of one that was accepted and has its listener's.</summary>
[TestFixture]
public sealed class SocketOptionTests
{
    public static readonly IPEndPoint[] AnyPorts = [Loopback.AnyPort, Loopback.AnyPort6];

    [TestCaseSource(nameof(AnyPorts))]
    public async Task Without_any_the_system_s_own_hold_but_small_sends_go_out_at_once(IPEndPoint anyPort)
    {
        await using var pair = await ConnectedPair.Make(anyPort);

        foreach (var connection in (Connection[])[pair.Dialled, pair.Accepted])
        {
            using (Assert.EnterMultipleScope())
            {
                Assert.That(Get(connection.Descriptor, IPPROTO_TCP, TCP_NODELAY), Is.EqualTo(1));
                Assert.That(Get(connection.Descriptor, SOL_SOCKET, SO_KEEPALIVE), Is.Zero);
                Assert.That(Get(connection.Descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT), Is.Zero);
                Assert.That(Get(connection.Descriptor, SOL_SOCKET, SO_DONTROUTE), Is.Zero);
                Assert.That(Get(connection.Descriptor, SOL_SOCKET, SO_OOBINLINE), Is.Zero);
                Assert.That(Linger(connection.Descriptor), Is.Null);
                Assert.That(Device(connection.Descriptor), Is.Empty);
                Assert.That(TypeOfService(connection), Is.Zero);
            }
        }
    }

    [TestCaseSource(nameof(AnyPorts))]
    public Task NoDelay_may_be_switched_off(IPEndPoint anyPort) => OnBoth(
        anyPort,
        new ConnectOptions { NoDelay = false },
        new ListenOptions { NoDelay = false },
        static connection => Assert.That(Get(connection.Descriptor, IPPROTO_TCP, TCP_NODELAY), Is.Zero));

    [TestCaseSource(nameof(AnyPorts))]
    public Task Keep_alive_has_its_three_numbers_rounded_up_to_seconds(IPEndPoint anyPort)
    {
        var keepAlive = new KeepAliveOptions { Idle = TimeSpan.FromSeconds(41.2), Interval = TimeSpan.FromMilliseconds(1), Count = 5 };
        return OnBoth(anyPort, new ConnectOptions { KeepAlive = keepAlive }, new ListenOptions { KeepAlive = keepAlive }, static connection =>
        {
            Assert.That(Get(connection.Descriptor, SOL_SOCKET, SO_KEEPALIVE), Is.EqualTo(1));
            Assert.That(Get(connection.Descriptor, IPPROTO_TCP, TCP_KEEPIDLE), Is.EqualTo(42));
            Assert.That(Get(connection.Descriptor, IPPROTO_TCP, TCP_KEEPINTVL), Is.EqualTo(1));
            Assert.That(Get(connection.Descriptor, IPPROTO_TCP, TCP_KEEPCNT), Is.EqualTo(5));
        });
    }

    [Test]
    public async Task Keep_alive_without_numbers_has_the_system_s()
    {
        await using var without = await ConnectedPair.Make(Loopback.AnyPort);
        await OnBoth(Loopback.AnyPort, new ConnectOptions { KeepAlive = new KeepAliveOptions() }, new ListenOptions { KeepAlive = new KeepAliveOptions() }, connection =>
        {
            Assert.That(Get(connection.Descriptor, SOL_SOCKET, SO_KEEPALIVE), Is.EqualTo(1));
            foreach (var name in (int[])[TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT])
                Assert.That(Get(connection.Descriptor, IPPROTO_TCP, name), Is.EqualTo(Get(without.Dialled.Descriptor, IPPROTO_TCP, name)));
        });
    }

    [TestCaseSource(nameof(AnyPorts))]
    public Task User_timeout_is_in_milliseconds_rounded_up(IPEndPoint anyPort) => OnBoth(
        anyPort,
        new ConnectOptions { UserTimeout = TimeSpan.FromMilliseconds(12_344.5) },
        new ListenOptions { UserTimeout = TimeSpan.FromMilliseconds(12_344.5) },
        static connection => Assert.That(Get(connection.Descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT), Is.EqualTo(12_345)));

    [TestCaseSource(nameof(AnyPorts))]
    public Task Buffers_have_the_size_that_was_asked_for_which_Linux_doubles(IPEndPoint anyPort) => OnBoth(
        anyPort,
        new ConnectOptions { SendBufferSize = 20_000, ReceiveBufferSize = 30_000 },
        new ListenOptions { SendBufferSize = 20_000, ReceiveBufferSize = 30_000 },
        static connection =>
        {
            Assert.That(Get(connection.Descriptor, SOL_SOCKET, SO_SNDBUF), Is.EqualTo(40_000));
            Assert.That(Get(connection.Descriptor, SOL_SOCKET, SO_RCVBUF), Is.EqualTo(60_000));
        });

    [TestCaseSource(nameof(AnyPorts))]
    public Task A_linger_of_zero_is_the_system_s_and_resets(IPEndPoint anyPort) => OnBoth(
        anyPort,
        new ConnectOptions { Linger = TimeSpan.Zero },
        new ListenOptions { Linger = TimeSpan.Zero },
        static connection => Assert.That(Linger(connection.Descriptor), Is.Zero));

    [Test]
    public Task A_longer_linger_is_ours_for_the_system_s_would_block_the_loop() => OnBoth(
        Loopback.AnyPort,
        new ConnectOptions { Linger = TimeSpan.FromSeconds(1) },
        new ListenOptions { Linger = TimeSpan.FromSeconds(1) },
        static connection => Assert.That(Linger(connection.Descriptor), Is.Null));

    [TestCaseSource(nameof(AnyPorts))]
    public Task Type_of_service_is_the_byte_of_either_family(IPEndPoint anyPort) => OnBoth(
        anyPort,
        new ConnectOptions { TypeOfService = 0xB8 },
        new ListenOptions { TypeOfService = 0xB8 },
        static connection => Assert.That(TypeOfService(connection), Is.EqualTo(0xB8)));

    [Test]
    public async Task Type_of_service_also_holds_for_IPv4_on_a_socket_of_both_families()
    {
        // What goes to an IPv4-mapped address is IPv4, with the byte of IP_TOS.
        await using var pair = await ConnectedPair.Make(
            new IPEndPoint(IPAddress.IPv6Any, 0),
            new ConnectOptions { TypeOfService = 0xB8 },
            new ListenOptions { TypeOfService = 0xB8, IPv6Only = false, Device = "lo" },
            static listening => new IPEndPoint(IPAddress.Loopback.MapToIPv6(), ((IPEndPoint)listening).Port));

        Assert.That(Get(pair.Dialled.Descriptor, IPPROTO_IP, IP_TOS), Is.EqualTo(0xB8), "Dialled.");
        Assert.That(Get(pair.Accepted.Descriptor, IPPROTO_IP, IP_TOS), Is.EqualTo(0xB8), "Accepted.");
    }

    [TestCaseSource(nameof(AnyPorts))]
    public Task DontRoute_reaches_this_machine(IPEndPoint anyPort) => OnBoth(
        anyPort,
        new ConnectOptions { DontRoute = true },
        new ListenOptions { DontRoute = true },
        static connection => Assert.That(Get(connection.Descriptor, SOL_SOCKET, SO_DONTROUTE), Is.EqualTo(1)));

    [TestCaseSource(nameof(AnyPorts))]
    public Task Urgent_data_may_be_received_in_the_stream(IPEndPoint anyPort) => OnBoth(
        anyPort,
        new ConnectOptions { OutOfBandInline = true },
        new ListenOptions { OutOfBandInline = true },
        static connection => Assert.That(Get(connection.Descriptor, SOL_SOCKET, SO_OOBINLINE), Is.EqualTo(1)));

    [TestCaseSource(nameof(AnyPorts))]
    public Task A_device_is_the_only_one_used(IPEndPoint anyPort) => OnBoth(
        anyPort,
        new ConnectOptions { Device = "lo" },
        new ListenOptions { Device = "lo" },
        static connection => Assert.That(Device(connection.Descriptor), Is.EqualTo("lo")));

    [Test]
    public async Task Options_hold_from_before_the_handshake_on()
    {
        // A receive buffer that is set later leaves the window as the SYN had announced it.
        var kernel = new ScriptedKernel();
        var order = new List<string>();
        kernel.OnSetOption = (descriptor, name, value) =>
        {
            order.Add(name.ToString());
            return kernel.Real.SetOption(descriptor, name, value);
        };
        kernel.OnConnect = (descriptor, address) =>
        {
            order.Add("connect");
            return kernel.Real.Connect(descriptor, address);
        };
        await using var loop = TestLoop.Start(kernel, new ConnectOptions { ReceiveBufferSize = 10_000, TypeOfService = 8, KeepAlive = new KeepAliveOptions() });
        using var listener = RawListener.Start();

        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(order, Has.Count.EqualTo(5));
        Assert.That(order[^1], Is.EqualTo("connect"));
    }

    [Test]
    public async Task What_is_the_system_s_default_costs_no_call()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel, new ConnectOptions { NoDelay = false });
        using var listener = RawListener.Start();

        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(kernel.Count(KernelCall.SetOption), Is.Zero);
    }

    [Test]
    public async Task A_Unix_domain_socket_has_the_buffers_and_none_of_TCP_s_and_IP_s()
    {
        using var directory = new ScratchDirectory();
        var keepAlive = new KeepAliveOptions { Count = 1_000 };
        var connect = new ConnectOptions
        {
            SendBufferSize = 20_000,
            KeepAlive = keepAlive,
            UserTimeout = TimeSpan.FromSeconds(1),
            TypeOfService = 8,
            DontRoute = true,
            OutOfBandInline = true,
            Device = "nosuch0",
            Linger = TimeSpan.Zero,
            FastOpen = true,
            ConnectsPerSecond = 1_000,
        };
        var listen = new ListenOptions
        {
            SendBufferSize = 20_000,
            KeepAlive = keepAlive,
            UserTimeout = TimeSpan.FromSeconds(1),
            TypeOfService = 8,
            DontRoute = true,
            OutOfBandInline = true,
            Device = "nosuch0",
            Linger = TimeSpan.Zero,
            FastOpenBacklog = 1,
            DeferAccept = TimeSpan.FromSeconds(1),
        };

        await using var pair = await ConnectedPair.Make(new UnixDomainSocketEndPoint(directory.File("s")), connect, listen);

        Assert.That(Get(pair.Dialled.Descriptor, SOL_SOCKET, SO_SNDBUF), Is.EqualTo(40_000));
        Assert.That(Get(pair.Dialled.Descriptor, SOL_SOCKET, SO_KEEPALIVE), Is.Zero);
        await pair.Dialled.Output.WriteAsync("hello"u8.ToArray()).Within();
        var read = await pair.Accepted.Input.ReadAtLeastAsync(5).Within();
        Assert.That(read.Buffer.Length, Is.EqualTo(5));
        pair.Accepted.Input.AdvanceTo(read.Buffer.End);
    }

    private static int TypeOfService(Connection connection) => connection.LocalEndPoint!.AddressFamily == AddressFamily.InterNetworkV6
        ? Get(connection.Descriptor, IPPROTO_IPV6, IPV6_TCLASS)
        : Get(connection.Descriptor, IPPROTO_IP, IP_TOS);

    private static async Task OnBoth(EndPoint at, ConnectOptions connect, ListenOptions listen, Action<Connection> expect)
    {
        await using var pair = await ConnectedPair.Make(at, connect, listen);
        using (Assert.EnterMultipleScope())
        {
            expect(pair.Dialled);
            expect(pair.Accepted);
        }

        await pair.Dialled.Output.WriteAsync("hello"u8.ToArray()).Within();
        var read = await pair.Accepted.Input.ReadAtLeastAsync(5).Within();
        Assert.That(read.Buffer.Length, Is.EqualTo(5));
        pair.Accepted.Input.AdvanceTo(read.Buffer.End);
    }
}
