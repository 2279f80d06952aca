using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The addresses to dial from, in turn.</summary>
[TestFixture]
public sealed class SourceAddressTests
{
    private static readonly IPAddress[] Three = [IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.3"), IPAddress.Parse("127.0.0.4")];

    [Test]
    public async Task Each_is_dialled_from_in_turn_and_the_peer_sees_it()
    {
        await using var loop = TestLoop.Start();
        var connector = new Connector(loop, new ConnectOptions { LocalEndPoints = AnyPortOf(Three) });
        using var listener = RawListener.Start();

        for (var i = 0; i < 9; i++)
        {
            var result = await connector.TryConnectAsync(listener.LocalEndPoint).Within();
            await using var connection = result.Connection!;
            using var peer = listener.Accept();

            Assert.That(((IPEndPoint)connection.LocalEndPoint!).Address, Is.EqualTo(Three[i % 3]));
            Assert.That(peer.Socket.RemoteEndPoint, Is.EqualTo(connection.LocalEndPoint));
            Assert.That(result.LocalEndPoint, Is.EqualTo(connection.LocalEndPoint), "With the port that the system gave.");
            Assert.That(result.Attempts[0].LocalEndPoint, Is.EqualTo(connection.LocalEndPoint));
        }
    }

    [Test]
    public async Task A_dial_that_fails_has_had_its_turn_and_tells_from_where()
    {
        await using var loop = TestLoop.Start();
        var connector = new Connector(loop, new ConnectOptions { LocalEndPoints = AnyPortOf(Three), Retry = new ConnectRetryOptions { Attempts = 4, InitialDelay = TimeSpan.FromTicks(1) } });
        using var refusing = Loopback.Refusing();

        var result = await connector.TryConnectAsync(refusing.EndPoint).Within();

        Assert.That(result.Attempts.Select(static attempt => attempt.LocalEndPoint), Is.EqualTo(AnyPortOf([.. Three, Three[0]])));
        Assert.That(result.LocalEndPoint, Is.EqualTo(new IPEndPoint(Three[0], 0)));
    }

    [Test]
    public async Task Where_the_system_chooses_a_failed_dial_tells_of_no_source()
    {
        await using var loop = TestLoop.Start();
        using var refusing = Loopback.Refusing();

        var result = await loop.TryConnectAsync(refusing.EndPoint).Within();

        Assert.That(result.LocalEndPoint, Is.Null);
    }

    [Test]
    public async Task Only_those_of_the_target_s_family_are_used_each_in_its_turn()
    {
        await using var loop = TestLoop.Start();
        var connector = new Connector(loop, new ConnectOptions { LocalEndPoints = [new IPEndPoint(Three[0], 0), Loopback.AnyPort6, new IPEndPoint(Three[1], 0)] });
        using var listener = RawListener.Start();
        using var listener6 = RawListener.Start(Loopback.AnyPort6);

        var from = new List<IPAddress>();
        for (var i = 0; i < 12; i++)
        {
            await using var connection = await connector.ConnectAsync((i % 2 == 0 ? listener6 : listener).LocalEndPoint).Within();
            from.Add(((IPEndPoint)connection.LocalEndPoint!).Address);
        }

        Assert.That(from.Where(static (_, index) => index % 2 == 0), Is.All.EqualTo(IPAddress.IPv6Loopback));
        Assert.That(from.Where(static (_, index) => index % 2 == 1).CountBy(static address => address), Is.EquivalentTo(new Dictionary<IPAddress, int> { [Three[0]] = 3, [Three[1]] = 3 }));
    }

    [Test]
    public async Task A_race_dials_each_family_from_a_source_of_its_own()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();
        using var refusing = new PortReservation(new IPEndPoint(IPAddress.IPv6Loopback, listener.Port));
        var connector = new Connector(loop, new ConnectOptions { LocalEndPoints = [new IPEndPoint(Three[0], 0), Loopback.AnyPort6] })
        {
            Resolve = static (_, _) => Task.FromResult<IPAddress[]>([IPAddress.IPv6Loopback, IPAddress.Loopback]),
        };

        var result = await connector.TryConnectAsync("both", listener.Port).Within();

        Assert.That(result.Attempts.Select(static attempt => ((IPEndPoint)attempt.LocalEndPoint!).Address), Is.EqualTo([IPAddress.IPv6Loopback, Three[0]]));
        Assert.That(result.IsConnected, Is.True);
        await result.Connection!.CloseAsync().Within();
    }

    [TestCase(Errno.EADDRNOTAVAIL)]
    [TestCase(Errno.EADDRINUSE)]
    [TestCase(Errno.EAGAIN)]
    public async Task One_without_a_free_port_is_passed_over_for_the_next_on_a_fresh_socket(Errno errno)
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        kernel.OnConnect = (descriptor, address) => SourceOf(kernel, descriptor).Equals(Three[0]) ? -(int)errno : kernel.Real.Connect(descriptor, address);
        var connector = new Connector(loop, new ConnectOptions { LocalEndPoints = AnyPortOf(Three[..2]) });
        using var listener = RawListener.Start();
        var sockets = Descriptors.Sockets();

        var result = await connector.TryConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(result.IsConnected, Is.True);
        Assert.That(((IPEndPoint)result.LocalEndPoint!).Address, Is.EqualTo(Three[1]));
        Assert.That(result.Attempts, Has.Count.EqualTo(1), "It is the same address that was dialled.");
        Assert.That((kernel.Count(KernelCall.Socket), Descriptors.Sockets()), Is.EqualTo((2, sockets + 1)));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task One_that_is_not_ours_is_passed_over_too()
    {
        await using var loop = TestLoop.Start();
        var connector = new Connector(loop, new ConnectOptions { LocalEndPoints = [new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0), new IPEndPoint(Three[0], 0)] });
        using var listener = RawListener.Start();

        await using var connection = await connector.ConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(((IPEndPoint)connection.LocalEndPoint!).Address, Is.EqualTo(Three[0]));
    }

    [Test]
    public async Task When_none_has_a_free_port_each_was_asked_once_and_the_result_says_so_once()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        var asked = new List<IPAddress>();
        kernel.OnConnect = (descriptor, _) =>
        {
            asked.Add(SourceOf(kernel, descriptor));
            return -(int)Errno.EADDRNOTAVAIL;
        };
        var connector = new Connector(loop, new ConnectOptions { LocalEndPoints = AnyPortOf(Three) });
        var sockets = Descriptors.Sockets();

        var result = await connector.TryConnectAsync(new IPEndPoint(IPAddress.Loopback, 9)).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((result.Outcome, result.Errno, result.Syscall), Is.EqualTo((ConnectOutcome.AddressUnavailable, Errno.EADDRNOTAVAIL, "connect")));
            Assert.That(result.Attempts, Has.Count.EqualTo(1));
            Assert.That(asked, Is.EqualTo(Three));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
        }
    }

    [Test]
    public async Task Sources_of_another_family_are_no_reason_to_ask_the_same_one_again()
    {
        var kernel = new ScriptedKernel { OnConnect = static (_, _) => -(int)Errno.EADDRNOTAVAIL };
        await using var loop = TestLoop.Start(kernel);
        var connector = new Connector(loop, new ConnectOptions { LocalEndPoints = [new IPEndPoint(Three[0], 0), Loopback.AnyPort6, Loopback.AnyPort6] });

        var result = await connector.TryConnectAsync(new IPEndPoint(IPAddress.Loopback, 9)).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.AddressUnavailable));
        Assert.That(kernel.Count(KernelCall.Connect), Is.EqualTo(1));
    }

    [Test]
    public async Task Any_other_failure_is_that_of_the_dial_and_no_further_source_is_tried()
    {
        var kernel = new ScriptedKernel { OnConnect = static (_, _) => -(int)Errno.ENETUNREACH };
        await using var loop = TestLoop.Start(kernel);
        var connector = new Connector(loop, new ConnectOptions { LocalEndPoints = AnyPortOf(Three) });

        var result = await connector.TryConnectAsync(new IPEndPoint(IPAddress.Loopback, 9)).Within();

        Assert.That((result.Outcome, kernel.Count(KernelCall.Connect)), Is.EqualTo((ConnectOutcome.Unreachable, 1)));
    }

    [Test]
    public async Task An_error_of_bind_names_the_address_to_dial_from_and_the_target()
    {
        await using var loop = TestLoop.Start(connect: new ConnectOptions { LocalEndPoints = [new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0)] });
        using var listener = RawListener.Start();

        var error = await Assert.ThrowsAsync<ConnectException>(async () => await loop.ConnectAsync(listener.LocalEndPoint).Within());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(error!.Message, Does.StartWith("bind 192.0.2.1:0: EADDRNOTAVAIL ("));
            Assert.That(error.Message, Does.Contain($", to dial {listener.LocalEndPoint}, after "));
            Assert.That(error.Syscall, Is.EqualTo("bind"));
            Assert.That(error.Result.LocalEndPoint, Is.EqualTo(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0)));
            Assert.That(error.SocketErrorCode, Is.EqualTo(SocketError.AddressNotAvailable));
        }
    }

    [Test]
    public async Task A_port_that_is_taken_is_told_apart_from_none_being_left()
    {
        using var taken = RawListener.Start();
        await using var loop = TestLoop.Start(connect: new ConnectOptions { LocalEndPoints = [taken.LocalEndPoint] });
        using var listener = RawListener.Start();

        var error = await Assert.ThrowsAsync<ConnectException>(async () => await loop.ConnectAsync(listener.LocalEndPoint).Within());

        Assert.That(error!.Message, Does.StartWith($"bind {taken.LocalEndPoint}: EADDRINUSE ("));
        Assert.That((error.Outcome, error.Errno, error.SocketErrorCode), Is.EqualTo((ConnectOutcome.AddressUnavailable, Errno.EADDRINUSE, SocketError.AddressAlreadyInUse)));
    }

    [Test]
    public async Task Who_changes_the_list_afterwards_changes_nothing()
    {
        var list = new List<EndPoint> { new IPEndPoint(Three[0], 0) };
        var options = new ConnectOptions { LocalEndPoints = list };
        list.Clear();
        await using var loop = TestLoop.Start(connect: options);
        using var listener = RawListener.Start();

        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(((IPEndPoint)connection.LocalEndPoint!).Address, Is.EqualTo(Three[0]));
    }

    private static EndPoint[] AnyPortOf(IPAddress[] addresses) => [.. addresses.Select(static address => new IPEndPoint(address, 0))];

    private static IPAddress SourceOf(ScriptedKernel kernel, int descriptor)
    {
        var local = new SocketAddress(AddressFamily.InterNetwork, Kernel.AddressSize);
        kernel.Real.LocalAddress(descriptor, local);
        return ((IPEndPoint)Loopback.AnyPort.Create(local)).Address;
    }
}
