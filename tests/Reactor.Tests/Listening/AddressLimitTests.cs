using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>How many connections a listener serves: all in all, and for one remote address.</summary>
[TestFixture]
public sealed class AddressLimitTests
{
    [Test]
    public async Task A_second_client_of_one_address_is_closed_at_once_while_another_address_is_served()
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, new ListenOptions { MaxConnectionsPerAddress = 1 }).Within();
        using var first = Dial(listener, "127.0.0.1");
        Assert.That(Echoes(first), Is.True);

        using var second = Dial(listener, "127.0.0.1");
        var itsAddress = second.LocalEndPoint;
        Assert.That(second.EndsInOrder(), Is.True);
        using var other = Dial(listener, "127.0.0.2");

        Assert.That((Echoes(other), Echoes(first)), Is.EqualTo((true, true)));
        Assert.That((listener.Accepted, listener.Active, loop.Counters.Accepted, loop.Counters.AddressLimits), Is.EqualTo((2, 2, 2, 1)));
        var line = log.Lines.Single();
        Assert.That((line.Event.Id, line.Level), Is.EqualTo((14, LogLevel.Debug)));
        Assert.That(line.Text, Does.Contain($"{listener.LocalEndPoint}").And.Contain($"{itsAddress}").And.Contain("1 connections"));
    }

    [Test]
    public async Task The_place_is_given_back_however_a_connection_ends()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, new ListenOptions { MaxConnectionsPerAddress = 2 }).Within();
        for (var i = 0; i < 20; i++)
        {
            using var first = Dial(listener, "127.0.0.1");
            using var second = Dial(listener, "127.0.0.1");
            Assert.That((Echoes(first), Echoes(second)), Is.EqualTo((true, true)));
            using var third = Dial(listener, "127.0.0.1");
            Assert.That(third.EndsInOrder(), Is.True);

            first.Reset();
            second.HalfClose();
            Assert.That(second.EndsInOrder(), Is.True);
            await Until.True(() => listener.Active == 0);
        }

        Assert.That(loop.Counters.AddressLimits, Is.EqualTo(20));
    }

    [Test]
    public async Task An_IPv4_client_of_a_dual_stack_listener_counts_as_itself()
    {
        Loopback.NeedIPv6OrSkip();
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(
            new IPEndPoint(IPAddress.IPv6Any, 0),
            Handlers.Echo,
            new ListenOptions { MaxConnectionsPerAddress = 1, IPv6Only = false }).Within();
        using var first = Dial(listener, "127.0.0.1");
        using var other = Dial(listener, "127.0.0.2");
        using var six = Dial(listener, "::1");
        Assert.That((Echoes(first), Echoes(other), Echoes(six)), Is.EqualTo((true, true, true)));

        using var again = Dial(listener, "127.0.0.1");
        using var sixAgain = Dial(listener, "::1");

        Assert.That((again.EndsInOrder(), sixAgain.EndsInOrder()), Is.EqualTo((true, true)));
        Assert.That(loop.Counters.AddressLimits, Is.EqualTo(2));
    }

    [Test]
    public void An_IPv4_mapped_address_and_the_IPv4_one_share_their_places()
    {
        // Two listeners would never see both forms of a client; a kernel of another kind may.
        var limit = new AddressLimit(most: 1);
        var plain = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 1);
        var mapped = new IPEndPoint(IPAddress.Parse("::ffff:192.0.2.1"), 2);

        Assert.That(limit.TryEnter(plain), Is.True);
        Assert.That(limit.TryEnter(mapped), Is.False);
        limit.Leave(mapped);
        Assert.That(limit.TryEnter(mapped), Is.True);
    }

    [Test]
    public async Task Unix_clients_have_no_address_and_no_limit()
    {
        using var directory = new ScratchDirectory();
        await using var loop = TestLoop.Start();
        var endPoint = new UnixDomainSocketEndPoint(directory.File("s"));
        await using var listener = await loop.ListenAsync(endPoint, Handlers.Echo, new ListenOptions { MaxConnectionsPerAddress = 1 }).Within();
        using var first = RawPeer.Dial(endPoint);
        using var second = RawPeer.Dial(endPoint);

        Assert.That((Echoes(first), Echoes(second)), Is.EqualTo((true, true)));
    }

    [Test]
    public async Task A_connection_that_cannot_be_registered_gives_its_place_back()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, new ListenOptions { MaxConnectionsPerAddress = 1 }).Within();
        kernel.OnAdd = static (_, _) => -(int)Errno.ENOSPC;
        using var dropped = Dial(listener, "127.0.0.1");
        Assert.That(dropped.EndsInOrder(), Is.True);
        kernel.OnAdd = null;

        using var next = Dial(listener, "127.0.0.1");

        Assert.That(Echoes(next), Is.True);
        Assert.That(loop.Counters.AddressLimits, Is.Zero);
    }

    [Test]
    public async Task MaxConnections_is_counted_and_logged_once_each_time_it_is_reached()
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, new ListenOptions { MaxConnections = 1 }).Within();
        using var first = Dial(listener, "127.0.0.1");
        Assert.That(Echoes(first), Is.True);
        Assert.That(loop.Counters.ConnectionLimits, Is.LessThanOrEqualTo(1));

        using var second = Dial(listener, "127.0.0.1");
        using var third = Dial(listener, "127.0.0.1");
        await Until.True(() => loop.Counters.ConnectionLimits == 1);
        await loop.Settled();
        Assert.That(listener.Accepted, Is.EqualTo(1));

        first.Dispose();
        Assert.That(Echoes(second), Is.True);
        await Until.True(() => loop.Counters.ConnectionLimits == 2);

        Assert.That(log.Lines, Has.Count.EqualTo(2));
        var line = log.Lines.First();
        Assert.That((line.Event.Id, line.Level), Is.EqualTo((15, LogLevel.Debug)));
        Assert.That(line.Text, Does.Contain($"{listener.LocalEndPoint}").And.Contain("1 connections"));
        second.Dispose();
        Assert.That(Echoes(third), Is.True);
    }

    [TestCase(0)]
    [TestCase(-1)]
    public void Limits_below_one_are_refused_when_they_are_set(int value)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ListenOptions { MaxConnectionsPerAddress = value });
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ListenOptions { FastOpenBacklog = value });
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ListenOptions { MaxUnsentBytes = value });
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ListenOptions { SendBufferSize = value });
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ListenOptions { ReceiveBufferSize = value });
    }

    [TestCase(0)]
    [TestCase(-2)]
    public void Times_of_zero_or_less_are_refused_when_they_are_set(int ticks)
    {
        var time = TimeSpan.FromTicks(ticks);
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ListenOptions { FirstByteTimeout = time });
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ListenOptions { WriteTimeout = time });
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ListenOptions { IdleTimeout = time });
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ListenOptions { CloseTimeout = time });
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ListenOptions { DeferAccept = time });
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ListenOptions { UserTimeout = time });
    }

    [Test]
    public void Infinite_times_are_taken()
    {
        var never = new ListenOptions
        {
            FirstByteTimeout = Timeout.InfiniteTimeSpan,
            WriteTimeout = Timeout.InfiniteTimeSpan,
            IdleTimeout = Timeout.InfiniteTimeSpan,
            CloseTimeout = Timeout.InfiniteTimeSpan,
        };

        Assert.That(never.FirstByteTimeout, Is.EqualTo(Timeout.InfiniteTimeSpan));
    }

    private static RawPeer Dial(Listener listener, string from)
    {
        var address = IPAddress.Parse(from);
        var target = new IPEndPoint(address.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, ((IPEndPoint)listener.LocalEndPoint).Port);
        var socket = RawPeer.NewSocket(target);
        socket.Bind(new IPEndPoint(address, 0));
        socket.Connect(target);
        return new RawPeer(socket);
    }

    private static bool Echoes(RawPeer peer)
    {
        peer.Send("hello");
        return peer.ReadText(5) is "hello";
    }
}
