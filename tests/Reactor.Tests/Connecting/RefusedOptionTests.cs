using System.Net;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Options that the system refuses: the error names which one it was, and nothing is left behind.</summary>
[TestFixture]
public sealed class RefusedOptionTests
{
    public static readonly TestCaseData[] RefusedToDial =
    [
        Refused(new ConnectOptions { KeepAlive = new KeepAliveOptions { Count = 1_000 } }, Errno.EINVAL, "setsockopt(TCP_KEEPCNT)"),
        Refused(new ConnectOptions { KeepAlive = new KeepAliveOptions { Idle = TimeSpan.FromDays(2) } }, Errno.EINVAL, "setsockopt(TCP_KEEPIDLE)"),
        Refused(new ConnectOptions { KeepAlive = new KeepAliveOptions { Interval = TimeSpan.FromDays(2) } }, Errno.EINVAL, "setsockopt(TCP_KEEPINTVL)"),
        Refused(new ConnectOptions { Device = "nosuch0" }, Errno.ENODEV, "setsockopt(SO_BINDTODEVICE, nosuch0)"),
    ];

    public static readonly TestCaseData[] RefusedToListen =
    [
        Refused(new ListenOptions { KeepAlive = new KeepAliveOptions { Count = 1_000 } }, Errno.EINVAL, "setsockopt(TCP_KEEPCNT)"),
        Refused(new ListenOptions { KeepAlive = new KeepAliveOptions { Idle = TimeSpan.FromDays(2) } }, Errno.EINVAL, "setsockopt(TCP_KEEPIDLE)"),
        Refused(new ListenOptions { KeepAlive = new KeepAliveOptions { Interval = TimeSpan.FromDays(2) } }, Errno.EINVAL, "setsockopt(TCP_KEEPINTVL)"),
        Refused(new ListenOptions { Device = "nosuch0" }, Errno.ENODEV, "setsockopt(SO_BINDTODEVICE, nosuch0)"),
    ];

    [TestCaseSource(nameof(RefusedToDial))]
    public async Task A_refused_option_of_a_dial_names_itself(ConnectOptions options, Errno errno, string syscall)
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel, options);
        using var listener = RawListener.Start();
        var sockets = Descriptors.Sockets();

        var error = await Assert.ThrowsAsync<ConnectException>(async () => await loop.ConnectAsync(listener.LocalEndPoint).Within());

        using (Assert.EnterMultipleScope())
        {
            Assert.That((error!.Outcome, error.Errno, error.Syscall), Is.EqualTo((ConnectOutcome.Failed, errno, syscall)));
            Assert.That(error.Message, Does.StartWith($"{syscall} {listener.LocalEndPoint}: {errno.Name} ("));
            Assert.That(error.Result.Attempts[0].IsImmediate, Is.True);
            Assert.That(kernel.Count(KernelCall.Connect), Is.Zero);
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That((loop.Counters.Registrations, loop.Counters.Timers), Is.EqualTo((0, 0)));
        }
    }

    [TestCaseSource(nameof(RefusedToListen))]
    public async Task A_refused_option_of_a_listener_names_itself(ListenOptions options, Errno errno, string syscall)
    {
        await using var loop = TestLoop.Start();
        var sockets = Descriptors.Sockets();

        var error = await Assert.ThrowsAsync<ListenException>(async () => await loop.ListenAsync(Loopback.AnyPort, Handlers.Discard, options).Within());

        Assert.That((error!.Errno, error.Syscall), Is.EqualTo((errno, syscall)));
        Assert.That(error.Message, Does.Contain(syscall).And.Contain(errno.Name).And.Contain("127.0.0.1:0"));
        Assert.That((Descriptors.Sockets(), loop.Counters.Registrations), Is.EqualTo((sockets, 0)));
    }

    public static readonly SocketOption[] OfADial =
    [
        SocketOption.NoDelay, SocketOption.KeepAlive, SocketOption.KeepAliveIdle, SocketOption.KeepAliveInterval, SocketOption.KeepAliveCount,
        SocketOption.UserTimeout, SocketOption.SendBuffer, SocketOption.ReceiveBuffer, SocketOption.Linger, SocketOption.TypeOfService,
        SocketOption.DontRoute, SocketOption.OutOfBandInline, SocketOption.FastOpenConnect,
    ];

    [TestCaseSource(nameof(OfADial))]
    public async Task Whichever_option_of_a_dial_is_refused_is_the_last_that_is_set(SocketOption refused)
    {
        var kernel = new ScriptedKernel();
        SocketOption? last = null;
        kernel.OnSetOption = (descriptor, name, value) =>
        {
            last = name;
            return name == refused ? -(int)Errno.ENOPROTOOPT : kernel.Real.SetOption(descriptor, name, value);
        };
        await using var loop = TestLoop.Start(kernel, new ConnectOptions
        {
            KeepAlive = new KeepAliveOptions { Idle = TimeSpan.FromSeconds(1), Interval = TimeSpan.FromSeconds(1), Count = 1 },
            UserTimeout = TimeSpan.FromSeconds(1),
            SendBufferSize = 10_000,
            ReceiveBufferSize = 10_000,
            Linger = TimeSpan.Zero,
            TypeOfService = 8,
            DontRoute = true,
            OutOfBandInline = true,
            FastOpen = true,
        });
        using var listener = RawListener.Start();
        var sockets = Descriptors.Sockets();

        var result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();

        Assert.That((result.Outcome, result.Errno), Is.EqualTo((ConnectOutcome.Failed, Errno.ENOPROTOOPT)));
        Assert.That(result.Syscall, Is.EqualTo($"setsockopt({refused.NativeName})"));
        Assert.That(last, Is.EqualTo(refused));
        Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
    }

    [Test]
    public async Task An_unknown_way_to_leave_the_port_open_is_no_reason_not_to_dial()
    {
        var kernel = new ScriptedKernel();
        kernel.OnSetOption = (descriptor, name, value) => name == SocketOption.BindAddressNoPort ? -(int)Errno.ENOPROTOOPT : kernel.Real.SetOption(descriptor, name, value);
        await using var loop = TestLoop.Start(kernel, new ConnectOptions { LocalEndPoints = [new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0)] });
        using var listener = RawListener.Start();

        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(((IPEndPoint)connection.LocalEndPoint!).Address, Is.EqualTo(IPAddress.Parse("127.0.0.2")));
    }

    [Test]
    public async Task Each_address_of_a_race_is_refused_by_the_same_option_and_all_are_listed()
    {
        await using var loop = TestLoop.Start();
        var connector = new Connector(loop, new ConnectOptions { Device = "nosuch0", AttemptDelay = TimeSpan.FromHours(1) })
        {
            Resolve = static (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback, IPAddress.Parse("127.0.0.2")]),
        };

        var result = await connector.TryConnectAsync("name", 9).Within();

        Assert.That(result.Attempts.Select(static attempt => attempt.Errno), Is.EqualTo([Errno.ENODEV, Errno.ENODEV]));
    }

    [Test]
    public void What_makes_no_sense_is_refused_when_it_is_set()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ConnectOptions { UserTimeout = TimeSpan.Zero });
            Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ConnectOptions { UserTimeout = TimeSpan.FromSeconds(-1) });
            Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ConnectOptions { SendBufferSize = 0 });
            Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ConnectOptions { ReceiveBufferSize = -1 });
            Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ConnectOptions { Linger = TimeSpan.FromSeconds(-1) });
            Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new KeepAliveOptions { Idle = TimeSpan.Zero });
            Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new KeepAliveOptions { Interval = TimeSpan.FromSeconds(-1) });
            Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new KeepAliveOptions { Count = 0 });
            Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ListenOptions { DeferAccept = TimeSpan.Zero });
            Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ListenOptions { FastOpenBacklog = 0 });
        }
    }

    private static TestCaseData Refused(ConnectionOptions options, Errno errno, string syscall) => new TestCaseData(options, errno, syscall).SetArgDisplayNames(syscall);
}
