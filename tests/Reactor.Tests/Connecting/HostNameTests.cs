using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A dial by name: every address in turn, a new socket for each.</summary>
[TestFixture]
public sealed class HostNameTests
{
    [Test]
    public async Task Localhost_is_found_by_the_system_s_resolver()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();

        await using var connection = await loop.ConnectAsync("localhost", listener.Port).Within();
        await using var other = await loop.ConnectAsync(new DnsEndPoint("localhost", listener.Port)).Within();

        Assert.That(connection.RemoteEndPoint, Is.EqualTo(listener.LocalEndPoint));
        Assert.That(other.RemoteEndPoint, Is.EqualTo(listener.LocalEndPoint));
    }

    [Test]
    public async Task When_only_the_second_address_listens_the_first_is_tried_and_closed()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();
        using var refusing = new PortReservation(new IPEndPoint(IPAddress.IPv6Loopback, listener.Port));
        var connector = Resolving(loop, IPAddress.IPv6Loopback, IPAddress.Loopback);
        var sockets = Descriptors.Sockets();

        var result = await connector.TryConnectAsync("both", listener.Port).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
            Assert.That(result.EndPoint, Is.EqualTo(listener.LocalEndPoint));
            Assert.That(result.Attempts, Has.Count.EqualTo(2));
            Assert.That((result.Attempts[0].EndPoint, result.Attempts[0].Outcome, result.Attempts[0].Errno), Is.EqualTo(((EndPoint)refusing.EndPoint, ConnectOutcome.Refused, Errno.ECONNREFUSED)));
            Assert.That(result.Attempts[1].Outcome, Is.EqualTo(ConnectOutcome.Connected));
            Assert.That(kernel.Count(KernelCall.Socket), Is.EqualTo(2), "A new socket for each address.");
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets + 1), "The failed one is closed.");
        }

        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task When_the_first_address_listens_no_other_is_tried()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start(Loopback.AnyPort6);
        var connector = Resolving(loop, IPAddress.IPv6Loopback, IPAddress.Loopback);

        var result = await connector.TryConnectAsync("both", listener.Port).Within();

        Assert.That(result.EndPoint, Is.EqualTo(listener.LocalEndPoint));
        Assert.That(kernel.Count(KernelCall.Connect), Is.EqualTo(1));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task An_immediate_failure_of_one_family_does_not_end_the_other()
    {
        var kernel = new ScriptedKernel();
        kernel.OnSocket = family => family == AddressFamily.InterNetworkV6 ? -(int)Errno.EAFNOSUPPORT : kernel.Real.Socket(family);
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();
        var connector = Resolving(loop, IPAddress.IPv6Loopback, IPAddress.Loopback);

        var result = await connector.TryConnectAsync("both", listener.Port).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
        Assert.That((result.Attempts[0].Errno, result.Attempts[0].Syscall), Is.EqualTo((Errno.EAFNOSUPPORT, "socket")));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task When_all_addresses_refuse_the_result_lists_all_and_ends_as_the_last()
    {
        await using var loop = TestLoop.Start();
        using var refusing = Loopback.Refusing();
        using var refusing6 = new PortReservation(new IPEndPoint(IPAddress.IPv6Loopback, refusing.EndPoint.Port));
        var connector = Resolving(loop, IPAddress.IPv6Loopback, IPAddress.Loopback);
        var sockets = Descriptors.Sockets();

        var result = await connector.TryConnectAsync("both", refusing.EndPoint.Port).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Refused));
            Assert.That(result.EndPoint, Is.EqualTo(refusing.EndPoint));
            Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.EqualTo([ConnectOutcome.Refused, ConnectOutcome.Refused]));
            Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(result.Attempts[0].Elapsed + result.Attempts[1].Elapsed));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
        }
    }

    [Test]
    public async Task A_dead_address_leaves_time_for_the_others_where_they_are_tried_one_by_one()
    {
        await using var loop = TestLoop.Start();
        using var hanging = Loopback.Hanging();
        using var listener = RawListener.Start(new IPEndPoint(IPAddress.Parse("127.0.0.9"), hanging.EndPoint.Port));
        var connector = Resolving(loop, new ConnectOptions { ConnectTimeout = TimeSpan.FromMilliseconds(600), AttemptDelay = Timeout.InfiniteTimeSpan }, IPAddress.Loopback, IPAddress.Parse("127.0.0.9"));

        var result = await connector.TryConnectAsync("dead-first", hanging.EndPoint.Port).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
        Assert.That((result.Attempts[0].Outcome, result.Attempts[0].Errno), Is.EqualTo((ConnectOutcome.TimedOut, Errno.None)));
        await result.Connection!.CloseAsync().Within();
    }

    [Test]
    public async Task A_thousand_copies_of_a_dead_address_do_not_break_the_deadline()
    {
        await using var loop = TestLoop.Start();
        using var hanging = Loopback.Hanging();
        var connector = Resolving(loop, new ConnectOptions { ConnectTimeout = TimeSpan.FromMilliseconds(300) }, [.. Enumerable.Repeat(IPAddress.Loopback, 1_000)]);

        var result = await connector.TryConnectAsync("many", hanging.EndPoint.Port).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.TimedOut));
        Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(300)));
        Assert.That(result.Attempts, Has.Count.LessThan(1_000), "Those for which no time was left are not dialled.");
    }

    [Test]
    public async Task Addresses_are_restricted_to_the_family_that_is_asked_for()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();
        AddressFamily? asked = null;
        var connector = new Connector(loop, new ConnectOptions { AddressFamily = AddressFamily.InterNetwork })
        {
            Resolve = (_, family) =>
            {
                asked = family;
                return Task.FromResult<IPAddress[]>([IPAddress.Loopback]);
            },
        };

        await using var connection = await connector.ConnectAsync("v4-only", listener.Port).Within();

        Assert.That(asked, Is.EqualTo(AddressFamily.InterNetwork));
    }

    [Test]
    public async Task The_family_of_the_target_itself_goes_before_that_of_the_options()
    {
        await using var loop = TestLoop.Start();
        var asked = new List<(string Host, AddressFamily Family)>();
        var connector = new Connector(loop, new ConnectOptions { AddressFamily = AddressFamily.InterNetwork })
        {
            Resolve = (host, family) =>
            {
                asked.Add((host, family));
                return Task.FromResult<IPAddress[]>([]);
            },
        };

        await connector.TryConnectAsync(new DnsEndPoint("either", 80)).Within();
        await connector.TryConnectAsync(new DnsEndPoint("v6-only", 80, AddressFamily.InterNetworkV6)).Within();

        Assert.That(asked, Is.EqualTo([("either", AddressFamily.InterNetwork), ("v6-only", AddressFamily.InterNetworkV6)]));
    }

    [Test]
    public async Task The_time_that_the_resolver_took_is_not_the_addresses_any_more()
    {
        var timeout = TimeSpan.FromMilliseconds(500);
        var resolving = TimeSpan.FromMilliseconds(250);
        var kernel = new ScriptedKernel();
        var calls = new ConnectCalls(kernel) { IsHeld = static _ => true };
        await using var loop = TestLoop.Start(kernel);
        var connector = new Connector(loop, new ConnectOptions { ConnectTimeout = timeout, AttemptDelay = TimeSpan.FromMilliseconds(10) })
        {
            Resolve = async (_, _) =>
            {
                await loop.After(resolving);
                return [IPAddress.Loopback, IPAddress.Parse("127.0.0.2")];
            },
        };

        var result = await connector.TryConnectAsync("slow", 9).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.TimedOut));
        Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(timeout));
        Assert.That(result.Elapsed - result.Attempts[0].Elapsed, Is.GreaterThanOrEqualTo(resolving));
        Assert.That(calls.Count, Is.EqualTo(2));
    }

    [Test]
    public async Task A_name_that_the_resolver_does_not_know_is_ResolveFailed_with_its_reason()
    {
        await using var loop = TestLoop.Start();
        var unknown = new SocketException((int)SocketError.HostNotFound);
        var connector = new Connector(loop) { Resolve = (_, _) => Task.FromException<IPAddress[]>(unknown) };

        var result = await connector.TryConnectAsync("nobody", 80).Within();
        var error = await Assert.ThrowsAsync<ConnectException>(async () => await connector.ConnectAsync("nobody", 80).Within());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.ResolveFailed));
            Assert.That(result.ResolveException, Is.SameAs(unknown));
            Assert.That(result.Attempts, Is.Empty);
            Assert.That(result.EndPoint, Is.EqualTo(new DnsEndPoint("nobody", 80)));
            Assert.That(error!.Message, Does.Contain("nobody"));
            Assert.That(error.SocketErrorCode, Is.EqualTo(SocketError.HostNotFound));
        }
    }

    [Test]
    public async Task A_name_without_any_address_is_ResolveFailed()
    {
        await using var loop = TestLoop.Start();

        var result = await Resolving(loop).TryConnectAsync("empty", 80).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.ResolveFailed));
        Assert.That(result.ResolveException, Is.Not.Null);
    }

    [Test]
    public async Task A_name_that_cannot_be_one_is_ResolveFailed()
    {
        await using var loop = TestLoop.Start();

        // Longer than any name may be (RFC 1035, 2.3.4): the resolver refuses it without asking anybody.
        var result = await loop.TryConnectAsync(new string('a', 300), 80).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.ResolveFailed));
    }

    [Test]
    public async Task A_resolver_that_throws_something_unexpected_still_gives_the_caller_an_end()
    {
        await using var loop = TestLoop.Start();
        var connector = new Connector(loop) { Resolve = static (_, _) => throw new InvalidOperationException("broken resolver") };

        await Assert.CatchAsync(async () => await connector.ConnectAsync("any", 80).Within());

        Assert.That((connector.InFlight, connector.Queued), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Cancelled_while_it_resolves_it_ends_at_once()
    {
        await using var loop = TestLoop.Start();
        var slow = new TaskCompletionSource<IPAddress[]>();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var connector = new Connector(loop)
        {
            Resolve = (_, _) =>
            {
                asked.SetResult();
                return slow.Task;
            },
        };
        using var source = new CancellationTokenSource();
        var connecting = connector.TryConnectAsync("slow", 80, source.Token).AsTask();
        await asked.Task.Within();

        await source.CancelAsync();

        Assert.That((await connecting.Within()).Outcome, Is.EqualTo(ConnectOutcome.Canceled));
        Assert.That(connector.InFlight, Is.Zero);
        slow.SetResult([IPAddress.Loopback]);
    }

    [Test]
    public async Task A_slow_resolver_counts_against_the_timeout()
    {
        await using var loop = TestLoop.Start();
        var slow = new TaskCompletionSource<IPAddress[]>();
        var connector = new Connector(loop, new ConnectOptions { ConnectTimeout = TimeSpan.FromMilliseconds(50) }) { Resolve = (_, _) => slow.Task };

        var result = await connector.TryConnectAsync("slow", 80).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.TimedOut));
        Assert.That(result.Elapsed, Is.GreaterThan(TimeSpan.FromMilliseconds(40)), "The runtime's timer is coarser than the loop's.");
        slow.SetResult([]);
    }

    [Test]
    public async Task A_timeout_longer_than_any_task_can_wait_for_is_none_to_the_resolver()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();
        var connector = Resolving(loop, new ConnectOptions { ConnectTimeout = TimeSpan.MaxValue }, IPAddress.Loopback);

        await using var connection = await connector.ConnectAsync("huge", listener.Port).Within();

        Assert.That(connection.RemoteEndPoint, Is.EqualTo(listener.LocalEndPoint));
    }

    [Test]
    public async Task The_loop_does_not_wait_for_a_resolver_that_blocks()
    {
        await using var loop = TestLoop.Start();
        using var release = new ManualResetEventSlim();
        var connector = new Connector(loop)
        {
            Resolve = (_, _) => Task.Factory.StartNew(
                () =>
                {
                    release.Wait(Until.Limit);
                    return new[] { IPAddress.Loopback };
                },
                TaskCreationOptions.LongRunning),
        };
        using var refusing = Loopback.Refusing();
        var connecting = connector.TryConnectAsync("blocking", refusing.EndPoint.Port).AsTask();

        await loop.InvokeAsync(static () => { }).Within();
        Assert.That(connecting.IsCompleted, Is.False);
        release.Set();

        Assert.That((await connecting.Within()).Outcome, Is.EqualTo(ConnectOutcome.Refused));
    }

    [Test]
    public async Task Dispose_while_it_resolves_gives_the_caller_an_end()
    {
        var loop = TestLoop.Start();
        var slow = new TaskCompletionSource<IPAddress[]>();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var connector = new Connector(loop)
        {
            Resolve = (_, _) =>
            {
                asked.SetResult();
                return slow.Task;
            },
        };
        var connecting = connector.TryConnectAsync("slow", 80).AsTask();
        await asked.Task.Within();

        await loop.DisposeAsync().Within();

        try
        {
            Assert.That((await connecting.Within()).Outcome, Is.EqualTo(ConnectOutcome.Canceled));
        }
        catch (ObjectDisposedException)
        {
            // Just as well.
        }

        slow.SetResult([]);
    }

    [TestCase("", 80)]
    [TestCase("localhost", -1)]
    [TestCase("localhost", 65_536)]
    [TestCase("127.0.0.1", 65_536)]
    public async Task What_can_be_no_target_is_the_caller_s_error(string host, int port)
    {
        await using var loop = TestLoop.Start();

        await Assert.CatchAsync<ArgumentException>(async () => await loop.TryConnectAsync(host, port).Within());
    }

    [Test]
    public void A_name_to_dial_from_is_refused_when_it_is_set() =>
        Assert.Throws<ArgumentException>(static () => _ = new ConnectOptions { LocalEndPoints = [new DnsEndPoint("localhost", 0)] });

    private static Connector Resolving(EventLoop loop, params IPAddress[] addresses) => Resolving(loop, new ConnectOptions(), addresses);

    private static Connector Resolving(EventLoop loop, ConnectOptions options, params IPAddress[] addresses) =>
        new(loop, options) { Resolve = (_, _) => Task.FromResult(addresses) };
}
