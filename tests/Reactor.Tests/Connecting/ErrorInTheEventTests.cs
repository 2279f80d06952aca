using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A connect whose end is told as kqueue(2) does it: the error in the event, and nothing left of it in SO_ERROR.</summary>
[TestFixture]
public sealed class ErrorInTheEventTests
{
    private const Readiness Ended = Readiness.Readable | Readiness.ReadClosed;

    // EVFILT_READ and EVFILT_WRITE tell of a failure each for itself, in either order, in one batch or not.
    private static readonly Readiness[][] Orders =
    [
        [Ended | Readiness.Error, Readiness.Writable | Readiness.Error],
        [Readiness.Writable | Readiness.Error, Ended | Readiness.Error],
        [Ended | Readiness.Error],
        [Readiness.Writable | Readiness.Error],
        [Readiness.Writable, Ended | Readiness.Error],
    ];

    private static readonly Readiness[] WithoutError = [Readiness.Writable, Readiness.Readable, Ended, Ended | Readiness.Writable, Readiness.Urgent];

    [TestCaseSource(nameof(Orders))]
    public async Task Refused_is_refused_in_whatever_order_it_is_told(params Readiness[] told)
    {
        var kernel = new ScriptedKernel();
        var script = new EventScript(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var hanging = Loopback.Hanging();
        var sockets = Descriptors.Sockets();
        var connecting = await Begin(loop, script, hanging);

        script.Give(loop, [.. told.Select(static readiness => (readiness, (readiness & Readiness.Error) != 0 ? Errno.ECONNREFUSED : Errno.None))]);
        var result = await connecting.Within();

        await loop.Settled();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((result.Outcome, result.Errno, result.Syscall), Is.EqualTo((ConnectOutcome.Refused, Errno.ECONNREFUSED, "connect")));
            Assert.That(result.Attempts, Has.Count.EqualTo(1));
            Assert.That(kernel.Count(KernelCall.Close), Is.EqualTo(1));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That((loop.Counters.Registrations, loop.Counters.Timers), Is.EqualTo((0, 0)));
        }
    }

    [TestCase(Errno.ETIMEDOUT, ConnectOutcome.TimedOut)]
    [TestCase(Errno.EHOSTUNREACH, ConnectOutcome.Unreachable)]
    [TestCase(Errno.ENETUNREACH, ConnectOutcome.Unreachable)]
    [TestCase(Errno.EHOSTDOWN, ConnectOutcome.Unreachable)]
    [TestCase(Errno.EADDRNOTAVAIL, ConnectOutcome.AddressUnavailable)]
    [TestCase(Errno.ECONNRESET, ConnectOutcome.Failed)]
    [TestCase(Errno.ENETDOWN, ConnectOutcome.Failed)]
    public async Task Each_error_has_the_outcome_that_it_has_in_SO_ERROR(Errno errno, ConnectOutcome outcome)
    {
        var kernel = new ScriptedKernel();
        var script = new EventScript(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var hanging = Loopback.Hanging();
        var connecting = await Begin(loop, script, hanging);

        script.Give(loop, (Readiness.Writable | Readiness.Error, errno));

        var result = await connecting.Within();
        Assert.That((result.Outcome, result.Errno, result.Syscall), Is.EqualTo((outcome, errno, "connect")));
    }

    [TestCaseSource(nameof(WithoutError))]
    public async Task Without_an_error_and_without_a_peer_it_waits_on(Readiness told)
    {
        var kernel = new ScriptedKernel();
        var script = new EventScript(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var hanging = Loopback.Hanging();
        var connecting = await Begin(loop, script, hanging);

        var asked = kernel.Count(KernelCall.PeerAddress);

        script.Give(loop, (told, Errno.None), (told, Errno.None));
        await loop.Settled();

        Assert.That(kernel.Count(KernelCall.PeerAddress) - asked, Is.EqualTo(2), "The test's own premise.");
        Assert.That(connecting.IsCompleted, Is.False);
        script.Give(loop, (Readiness.Writable | Readiness.Error, Errno.ECONNREFUSED));
        Assert.That((await connecting.Within()).Outcome, Is.EqualTo(ConnectOutcome.Refused));
    }

    [TestCase(Errno.EHOSTUNREACH, ConnectOutcome.Unreachable)]
    [TestCase(Errno.ETIMEDOUT, ConnectOutcome.TimedOut)]
    public async Task Where_SO_ERROR_and_the_event_differ_SO_ERROR_is_right(Errno pending, ConnectOutcome outcome)
    {
        var kernel = new ScriptedKernel { OnSocketError = _ => -(int)pending };
        var script = new EventScript(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var hanging = Loopback.Hanging();
        var connecting = await Begin(loop, script, hanging);

        script.Give(loop, (Ended | Readiness.Error, Errno.ECONNREFUSED));

        var result = await connecting.Within();
        Assert.That((result.Outcome, result.Errno), Is.EqualTo((outcome, pending)));
    }

    [Test]
    public async Task A_real_refusal_that_only_its_event_tells_of_leaves_no_connection()
    {
        var kernel = new ScriptedKernel();
        var script = new EventScript(kernel);
        kernel.OnSocketError = descriptor =>
        {
            // Taken from the socket before anybody could ask.
            _ = kernel.Real.SocketError(descriptor);
            return 0;
        };
        await using var loop = TestLoop.Start(kernel);
        using var refusing = Loopback.Refusing();
        kernel.OnConnect = (descriptor, address) =>
        {
            script.SilenceNext();
            return kernel.Real.Connect(descriptor, address);
        };
        var connecting = loop.TryConnectAsync(refusing.EndPoint).AsTask();
        await Until.True(() => script.Held != Readiness.None);

        script.Give(loop, (Readiness.Writable, Errno.None), (Ended | Readiness.Error, Errno.ECONNREFUSED));

        var result = await connecting.Within();
        Assert.That((result.Outcome, result.Errno, result.Connection), Is.EqualTo((ConnectOutcome.Refused, Errno.ECONNREFUSED, (Connection?)null)));
    }

    [Test]
    public async Task A_connect_that_was_established_and_reset_before_its_event_is_told_is_no_connection()
    {
        var kernel = new ScriptedKernel();
        var script = new EventScript(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();
        var (connecting, accepted) = DialInSilence(loop, kernel, script, listener);
        using var peer = accepted;
        await Until.True(() => script.LastAdded != default);

        script.Give(loop, (Ended | Readiness.Error, Errno.ECONNRESET), (Readiness.Writable | Readiness.Error, Errno.ECONNRESET));

        var result = await connecting.Within();
        Assert.That((result.Outcome, result.Errno), Is.EqualTo((ConnectOutcome.Failed, Errno.ECONNRESET)));
        Assert.That(await Task.Run(peer.EndsInOrder).Within(), Is.True);
    }

    [TestCase(Readiness.Writable, Ended)]
    [TestCase(Ended, Readiness.Writable)]
    public async Task The_peer_s_end_beside_the_end_of_the_handshake_is_the_connection_s(params Readiness[] told)
    {
        var kernel = new ScriptedKernel();
        var script = new EventScript(kernel);
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();
        var (connecting, accepted) = DialInSilence(loop, kernel, script, listener);
        using var peer = accepted;
        peer.Send("bye");
        peer.HalfClose();
        await Until.True(() => (script.Held & Readiness.ReadClosed) != 0);

        script.Give(loop, [.. told.Select(static readiness => (readiness, Errno.None))]);

        await using var connection = (await connecting.Within()).Connection!;
        var read = await connection.Input.ReadAtLeastAsync(4).Within();
        Assert.That((read.Buffer.Length, read.IsCompleted), Is.EqualTo((3L, true)));
        connection.Input.AdvanceTo(read.Buffer.End);
    }

    /// <summary>A dial that is established, and whose events the test gives.</summary>
    private static (Task<ConnectResult> Connecting, RawPeer Peer) DialInSilence(EventLoop loop, ScriptedKernel kernel, EventScript script, RawListener listener)
    {
        kernel.OnConnect = (descriptor, address) =>
        {
            script.SilenceNext();
            return kernel.Real.Connect(descriptor, address);
        };
        return (loop.TryConnectAsync(listener.LocalEndPoint).AsTask(), listener.Accept());
    }

    private static async Task<Task<ConnectResult>> Begin(EventLoop loop, EventScript script, Blackhole hanging)
    {
        var connecting = loop.TryConnectAsync(hanging.EndPoint).AsTask();
        await Until.True(() => script.LastAdded != default);

        // What the system says of a socket that is being added is over before the test says something.
        script.Silence();
        await loop.Settled();
        return connecting;
    }
}
