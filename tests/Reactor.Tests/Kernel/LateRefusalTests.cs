using System.Net.Sockets;
using Reactor.Tests.Fixtures;
using static Reactor.DarwinAbi;

namespace Reactor.Tests;

/// <summary>A refusal to watch that comes late, or beside other news: over a faulty kernel it keeps its errno, and is heard.</summary>
[TestFixture]
public sealed class LateRefusalTests
{
    private static readonly Fault LateEvents = new() { Call = KernelCall.Wait, Delay = TimeSpan.FromMilliseconds(5), Times = int.MaxValue };

    [Test]
    public async Task A_late_one_of_a_connect_names_its_errno()
    {
        await using var loop = Start(LateEvents);
        using var listener = RawListener.Start();

        var result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();

        Assert.That((result.Outcome, result.Syscall, result.Errno), Is.EqualTo((ConnectOutcome.Failed, "kevent", Errno.ENOMEM)));
    }

    [Test]
    public async Task One_that_is_held_back_with_its_connect_names_its_errno()
    {
        await using var loop = Start(new Fault { Call = KernelCall.Connect, Delay = TimeSpan.FromMilliseconds(20) });
        using var listener = RawListener.Start();

        var result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();

        Assert.That((result.Outcome, result.Syscall, result.Errno), Is.EqualTo((ConnectOutcome.Failed, "kevent", Errno.ENOMEM)));
    }

    [Test]
    public async Task A_late_one_of_a_connection_ends_it()
    {
        await using var loop = Start(LateEvents);
        using var directory = new ScratchDirectory();
        using var listener = RawListener.Start(new UnixDomainSocketEndPoint(directory.File("s")));

        var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        await Until.Canceled(connection.Closed);
        Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.Failed));
    }

    [Test]
    public async Task A_late_one_of_a_listener_names_its_errno()
    {
        await using var loop = Start(LateEvents);

        var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();

        var error = await Assert.ThrowsAsync<ListenException>(async () => await listener.Completion.Within());
        Assert.That((error!.Syscall, error.Errno), Is.EqualTo(("kevent", Errno.ENOMEM)));
    }

    // A faulty kernel makes one event of what is owed to a socket and its refusal.
    [Test]
    public async Task One_beside_other_news_ends_a_listener()
    {
        await using var loop = Start(new Fault { Call = KernelCall.Wait, Times = 10, Spurious = Readiness.Readable });

        var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();

        await Assert.ThrowsAsync<ListenException>(async () => await listener.Completion.Within());
    }

    [Test]
    public async Task One_beside_other_news_ends_a_connect_and_names_the_poller_s_call()
    {
        await using var loop = Start(new Fault { Call = KernelCall.Wait, Times = 10, Spurious = Readiness.Writable });
        using var listener = RawListener.Start();

        var result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();

        Assert.That((result.Outcome, result.Syscall, result.Errno), Is.EqualTo((ConnectOutcome.Failed, "kevent", Errno.ENOMEM)));
    }

    [Test]
    public void When_all_changes_fail_at_once_each_owner_is_told()
    {
        var kqueue = new ScriptedKqueue();
        Assert.That(KqueuePoller.Create(kqueue, out var poller), Is.Zero);
        using (poller)
        {
            poller!.Add(5, new Token(5, 1));
            poller.Add(6, new Token(6, 1));
            kqueue.Failure = Errno.ENOMEM;
            Assert.That(poller.Remove(6), Is.EqualTo(-(int)Errno.ENOMEM));
            kqueue.Failure = Errno.None;

            var events = new PollEvent[8];
            var count = poller.Wait(events, 0);

            Assert.That(events[..count], Does.Contain(new PollEvent(new Token(5, 1), Readiness.Unwatched, Errno.ENOMEM)));
        }
    }

    private static EventLoop Start(Fault fault)
    {
        var kqueue = new ScriptedKqueue { Refusal = static change => (change.flags & EV_ADD) != 0 && change.filter != EVFILT_USER ? 12 : 0 };
        var kernel = new FaultyKernel(new KernelOnScriptedKqueue(kqueue));
        kernel.Inject(fault);
        return TestLoop.Start(kernel);
    }
}
