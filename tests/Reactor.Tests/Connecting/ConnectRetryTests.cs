using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Dialling again after a failure.</summary>
[TestFixture]
public sealed class ConnectRetryTests
{
    private static readonly ConnectRetryOptions AtOnce = new() { Attempts = 3, InitialDelay = TimeSpan.FromTicks(1) };

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(5)]
    public async Task Tries_are_counted_and_each_has_a_fresh_socket(int attempts)
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        var connector = new Connector(loop, new ConnectOptions { Retry = AtOnce with { Attempts = attempts } });
        using var refusing = Loopback.Refusing();
        var sockets = Descriptors.Sockets();

        var result = await connector.TryConnectAsync(refusing.EndPoint).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That((result.Outcome, result.Errno), Is.EqualTo((ConnectOutcome.Refused, Errno.ECONNREFUSED)));
            Assert.That(result.Attempts.Select(static attempt => (attempt.EndPoint, attempt.Outcome)), Is.EqualTo(Enumerable.Repeat(((EndPoint)refusing.EndPoint, ConnectOutcome.Refused), attempts)));
            Assert.That((kernel.Count(KernelCall.Socket), kernel.Count(KernelCall.Connect), kernel.Count(KernelCall.Close)), Is.EqualTo((attempts, attempts, attempts)));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That((loop.Counters.Registrations, loop.Counters.Timers, connector.InFlight), Is.EqualTo((0, 0, 0)));
        }
    }

    [Test]
    public async Task Without_the_option_nothing_is_dialled_again()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        using var refusing = Loopback.Refusing();

        await loop.TryConnectAsync(refusing.EndPoint).Within();

        Assert.That(kernel.Count(KernelCall.Connect), Is.EqualTo(1));
    }

    [Test]
    public async Task Success_at_the_first_try_asks_nobody()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();
        var asked = 0;
        var connector = new Connector(loop, new ConnectOptions { Retry = AtOnce with { ShouldRetry = _ => ++asked > 0 } });

        var result = await connector.TryConnectAsync(listener.LocalEndPoint).Within();

        Assert.That((result.Outcome, result.Attempts.Count, asked), Is.EqualTo((ConnectOutcome.Connected, 1, 0)));
        await result.Connection!.CloseAsync().Within();
    }

    [TestCase(Errno.ECONNREFUSED, true)]
    [TestCase(Errno.ETIMEDOUT, true)]
    [TestCase(Errno.EADDRNOTAVAIL, true, Description = "Out of ports.")]
    [TestCase(Errno.EADDRINUSE, true)]
    [TestCase(Errno.EAGAIN, true)]
    [TestCase(Errno.ENOBUFS, true)]
    [TestCase(Errno.ENOMEM, true)]
    [TestCase(Errno.ENETUNREACH, false)]
    [TestCase(Errno.EHOSTUNREACH, false)]
    [TestCase(Errno.EHOSTDOWN, false)]
    [TestCase(Errno.EACCES, false)]
    [TestCase(Errno.EPERM, false)]
    [TestCase(Errno.EINVAL, false)]
    [TestCase(Errno.EAFNOSUPPORT, false)]
    [TestCase(Errno.EPROTOTYPE, false)]
    public Task By_default_what_connect_answers_is_tried_again_where_time_may_mend_it(Errno errno, bool again) =>
        ExpectTries(kernel => kernel.OnConnect = (_, _) => -(int)errno, KernelCall.Connect, errno, again);

    [TestCase(Errno.ECONNREFUSED, true)]
    [TestCase(Errno.ETIMEDOUT, true)]
    [TestCase(Errno.EHOSTUNREACH, false)]
    [TestCase(Errno.ENETUNREACH, false)]
    [TestCase(Errno.EACCES, false)]
    public Task By_default_what_SO_ERROR_tells_is_tried_again_where_time_may_mend_it(Errno errno, bool again) =>
        ExpectTries(kernel => kernel.OnSocketError = _ => -(int)errno, KernelCall.Connect, errno, again);

    [TestCase(Errno.EADDRINUSE, true)]
    [TestCase(Errno.EADDRNOTAVAIL, false, Description = "Not an address of ours, and it will not be by waiting.")]
    [TestCase(Errno.EACCES, false)]
    public Task By_default_what_bind_answers_is_tried_again_where_time_may_mend_it(Errno errno, bool again) =>
        ExpectTries(kernel => kernel.OnBind = (_, _) => -(int)errno, KernelCall.Bind, errno, again);

    [TestCase(Errno.EMFILE, true)]
    [TestCase(Errno.ENFILE, true)]
    [TestCase(Errno.ENOBUFS, true)]
    [TestCase(Errno.ENOMEM, true)]
    [TestCase(Errno.EAFNOSUPPORT, false)]
    [TestCase(Errno.EACCES, false)]
    public Task By_default_what_socket_answers_is_tried_again_where_time_may_mend_it(Errno errno, bool again) =>
        ExpectTries(kernel => kernel.OnSocket = _ => -(int)errno, KernelCall.Socket, errno, again);

    [Test]
    public async Task By_default_a_full_Unix_listener_is_tried_again_and_a_path_that_is_not_there_is_not()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        using var directory = new ScratchDirectory();
        var full = new UnixDomainSocketEndPoint(directory.File("full"));
        using var listener = RawListener.Start(full, backlog: 0);
        using var waiting = RawPeer.Dial(full);
        var connector = new Connector(loop, new ConnectOptions { Retry = AtOnce });

        var refused = await connector.TryConnectAsync(full).Within();
        Assert.That((refused.Errno, refused.Attempts.Count), Is.EqualTo((Errno.EAGAIN, 3)));

        var absent = await connector.TryConnectAsync(new UnixDomainSocketEndPoint(directory.File("absent"))).Within();
        Assert.That((absent.Errno, absent.Attempts.Count), Is.EqualTo((Errno.ENOENT, 1)));
    }

    [Test]
    public async Task Our_own_timeout_is_that_of_each_try_and_tried_again()
    {
        var timeout = TimeSpan.FromMilliseconds(60);
        await using var loop = TestLoop.Start();
        using var hanging = Loopback.Hanging();
        var connector = new Connector(loop, new ConnectOptions { ConnectTimeout = timeout, Retry = AtOnce });

        var result = await connector.TryConnectAsync(hanging.EndPoint).Within();

        Assert.That(result.Attempts.Select(static attempt => attempt.Outcome), Is.EqualTo(Enumerable.Repeat(ConnectOutcome.TimedOut, 3)));
        Assert.That(result.Attempts.Select(static attempt => attempt.Elapsed), Is.All.GreaterThanOrEqualTo(timeout));
        Assert.That(result.Elapsed, Is.GreaterThanOrEqualTo(3 * timeout), "All of it.");
    }

    [Test]
    public async Task A_name_without_address_is_not_tried_again_by_default_and_is_when_asked_for()
    {
        await using var loop = TestLoop.Start();
        var resolved = 0;
        Connector Unknown(ConnectRetryOptions retry) => new(loop, new ConnectOptions { Retry = retry })
        {
            Resolve = (_, _) =>
            {
                resolved++;
                return Task.FromException<IPAddress[]>(new SocketException((int)SocketError.TryAgain));
            },
        };

        var once = await Unknown(AtOnce).TryConnectAsync("nobody", 80).Within();
        Assert.That((once.Outcome, resolved), Is.EqualTo((ConnectOutcome.ResolveFailed, 1)));

        var thrice = await Unknown(AtOnce with { ShouldRetry = static _ => true }).TryConnectAsync("nobody", 80).Within();
        Assert.That((thrice.Outcome, resolved), Is.EqualTo((ConnectOutcome.ResolveFailed, 4)));
        Assert.That(thrice.ResolveException, Is.TypeOf<SocketException>());
    }

    [Test]
    public async Task ShouldRetry_is_asked_on_the_loop_after_each_try_and_its_no_ends_it()
    {
        await using var loop = TestLoop.Start();
        using var refusing = Loopback.Refusing();
        var asked = new List<(int Tries, bool OnLoop, ConnectOutcome Outcome)>();
        var connector = new Connector(loop, new ConnectOptions
        {
            Retry = AtOnce with
            {
                Attempts = 100,
                ShouldRetry = result =>
                {
                    asked.Add((result.Attempts.Count, loop.IsOnLoop, result.Outcome));
                    return asked.Count < 4;
                },
            },
        });

        var result = await connector.TryConnectAsync(refusing.EndPoint).Within();

        Assert.That(asked, Is.EqualTo(Enumerable.Repeat((1, true, ConnectOutcome.Refused), 4)));
        Assert.That(result.Attempts, Has.Count.EqualTo(4));
    }

    [Test]
    public async Task ShouldRetry_may_choose_what_the_default_does_not()
    {
        var kernel = new ScriptedKernel { OnConnect = static (_, _) => -(int)Errno.ENETUNREACH };
        await using var loop = TestLoop.Start(kernel);
        var connector = new Connector(loop, new ConnectOptions { Retry = AtOnce with { ShouldRetry = static result => result.Outcome == ConnectOutcome.Unreachable } });

        var result = await connector.TryConnectAsync(new IPEndPoint(IPAddress.Loopback, 9)).Within();

        Assert.That((result.Outcome, result.Attempts.Count), Is.EqualTo((ConnectOutcome.Unreachable, 3)));
    }

    [Test]
    public async Task What_ShouldRetry_throws_reaches_the_caller_and_leaves_nothing()
    {
        await using var loop = TestLoop.Start();
        using var refusing = Loopback.Refusing();
        var connector = new Connector(loop, new ConnectOptions { MaxInFlight = 1, Retry = AtOnce with { ShouldRetry = static _ => throw new InvalidOperationException("undecided") } });

        for (var i = 0; i < 3; i++)
        {
            var thrown = await Assert.ThrowsAsync<InvalidOperationException>(async () => await connector.TryConnectAsync(refusing.EndPoint).Within());
            Assert.That(thrown!.Message, Is.EqualTo("undecided"));
        }

        Assert.That((connector.InFlight, connector.Queued, loop.Counters.Registrations, loop.Counters.Timers), Is.EqualTo((0, 0, 0, 0)));
    }

    [Test]
    public async Task Each_try_races_all_addresses_anew_and_all_are_listed()
    {
        await using var loop = TestLoop.Start();
        using var refusing = Loopback.Refusing();
        var resolved = 0;
        IPAddress[] addresses = [IPAddress.Parse("127.0.0.1"), IPAddress.Parse("127.0.0.2")];
        var connector = new Connector(loop, new ConnectOptions { Retry = AtOnce })
        {
            Resolve = (_, _) =>
            {
                resolved++;
                return Task.FromResult(addresses);
            },
        };

        var result = await connector.TryConnectAsync("name", refusing.EndPoint.Port).Within();

        Assert.That(result.Attempts.Select(static attempt => ((IPEndPoint)attempt.EndPoint).Address), Is.EqualTo(Enumerable.Repeat(addresses, 3).SelectMany(static all => all)));
        Assert.That(resolved, Is.EqualTo(3), "What a name means may change meanwhile.");
    }

    [Test]
    public async Task A_server_that_begins_to_listen_after_the_first_try_is_connected()
    {
        await using var loop = TestLoop.Start();
        using var refusing = Loopback.Refusing();
        var endPoint = refusing.EndPoint;
        RawListener? listener = null;
        var connector = new Connector(loop, new ConnectOptions
        {
            Retry = AtOnce with
            {
                ShouldRetry = result =>
                {
                    refusing.Dispose();
                    listener ??= RawListener.Start(endPoint);
                    return ConnectRetryOptions.IsTransient(result);
                },
            },
        });

        await using var connection = await connector.ConnectAsync(endPoint).Within();
        using var peer = listener!.Accept();
        await connection.Output.WriteAsync("hello"u8.ToArray()).Within();

        Assert.That(peer.ReadText(5), Is.EqualTo("hello"));
        listener.Dispose();
    }

    private static async Task ExpectTries(Action<ScriptedKernel> script, KernelCall counted, Errno errno, bool again)
    {
        var kernel = new ScriptedKernel();
        script(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var refusing = Loopback.Refusing();
        var connector = new Connector(loop, new ConnectOptions { Retry = AtOnce, LocalEndPoints = [Loopback.AnyPort] });
        var sockets = Descriptors.Sockets();

        var result = await connector.TryConnectAsync(refusing.EndPoint).Within();

        Assert.That(result.Errno, Is.EqualTo(errno));
        Assert.That((result.Attempts.Count, kernel.Count(counted)), Is.EqualTo(again ? (3, 3) : (1, 1)));
        Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
    }
}
