using Reactor.Tests.Fixtures;
using static Reactor.DarwinAbi;

namespace Reactor.Tests;

/// <summary>The kqueue poller's wake-up: a filter of its own, made with it.</summary>
[TestFixture]
public sealed class KqueueWakeTests
{
    private const int NativeENOMEM = 12;

    [Test]
    public void The_filter_is_made_with_the_poller_and_has_no_token_of_a_registration()
    {
        var kqueue = new ScriptedKqueue();
        using var poller = Over(kqueue);

        var change = kqueue.Calls.Single().Changes.Single();

        Assert.That((change.filter, change.flags, change.fflags), Is.EqualTo((EVFILT_USER, (ushort)(EV_ADD | EV_CLEAR | EV_RECEIPT), 0u)));
        Assert.That(new RegistrationTable().Find(Token.FromUInt64(change.udata)), Is.Null);
    }

    [Test]
    public void A_wake_triggers_the_filter_and_asks_for_no_events()
    {
        var kqueue = new ScriptedKqueue();
        using var poller = Over(kqueue);
        var made = kqueue.Calls.Single().Changes.Single();

        Assert.That(poller.Wake(), Is.Zero);

        var call = kqueue.Calls[^1];
        var trigger = call.Changes.Single();
        Assert.That((trigger.ident, trigger.filter, trigger.flags, trigger.fflags, trigger.udata), Is.EqualTo((made.ident, EVFILT_USER, (ushort)0, NOTE_TRIGGER, made.udata)));
        Assert.That(call.Room, Is.Zero);
    }

    [Test]
    public void A_wake_hands_nothing_over_that_is_the_loop_s_to_hand_over()
    {
        var kqueue = new ScriptedKqueue();
        using var poller = Over(kqueue);
        poller.Add(5, new Token(5, 1));

        poller.Wake();

        Assert.That(kqueue.Registered, Is.Empty);
    }

    [Test]
    public void Wakes_are_told_as_nothing_and_end_one_wait()
    {
        var kqueue = new ScriptedKqueue();
        using var poller = Over(kqueue);
        poller.Add(5, new Token(5, 1));
        poller.Wait(new PollEvent[4], timeoutMs: 0);
        for (var i = 0; i < 100; i++) poller.Wake();
        kqueue.Tell(5, EVFILT_READ);

        var events = new PollEvent[4];
        Assert.That(poller.Wait(events, timeoutMs: -1), Is.EqualTo(1));
        Assert.That(events[0], Is.EqualTo(new PollEvent(new Token(5, 1), Readiness.Readable)));
        Assert.That(poller.Wait(events, timeoutMs: 0), Is.Zero);
    }

    [Test]
    public async Task From_any_thread_a_wake_ends_a_wait()
    {
        var kqueue = new ScriptedKqueue();
        using var poller = Over(kqueue);
        var waiting = Task.Factory.StartNew(() => poller.Wait(new PollEvent[4], timeoutMs: -1), TaskCreationOptions.LongRunning);
        await Until.True(() => kqueue.Calls is [.., { Timeout: null }]);

        var woken = Task.Run(poller.Wake);

        Assert.That(await woken.Within(), Is.Zero);
        Assert.That(await waiting.Within(), Is.Zero);
    }

    [Test]
    public void A_wake_that_fails_answers_why()
    {
        var kqueue = new ScriptedKqueue();
        using var poller = Over(kqueue);
        kqueue.Refusal = static _ => NativeENOMEM;

        Assert.That(poller.Wake(), Is.EqualTo(-(int)Errno.ENOMEM));
    }

    [TestCase(Errno.EMFILE)]
    [TestCase(Errno.ENFILE)]
    [TestCase(Errno.ENOMEM)]
    public void Without_a_kqueue_there_is_no_poller(Errno errno)
    {
        var kqueue = new ScriptedKqueue { Created = -(int)errno };

        Assert.That(KqueuePoller.Create(kqueue, out var poller), Is.EqualTo(-(int)errno));

        Assert.That(poller, Is.Null);
        Assert.That((kqueue.Closes, kqueue.Calls.Count), Is.EqualTo((0, 0)));
    }

    [TestCase(NativeENOMEM, Errno.ENOMEM)]
    [TestCase(22, Errno.EINVAL)]
    [TestCase(35, Errno.EAGAIN)]
    public void Without_the_filter_of_wake_ups_there_is_no_poller_and_its_kqueue_is_closed(int native, Errno errno)
    {
        var kqueue = new ScriptedKqueue { Refusal = _ => native };

        Assert.That(KqueuePoller.Create(kqueue, out var poller), Is.EqualTo(-(int)errno));

        Assert.That(poller, Is.Null);
        Assert.That(kqueue.Closes, Is.EqualTo(1));
    }

    [TestCase(Errno.ENOMEM)]
    [TestCase(Errno.EBADF)]
    public void A_kevent_that_fails_altogether_leaves_no_poller_and_its_kqueue_is_closed(Errno errno)
    {
        var kqueue = new ScriptedKqueue { Failure = errno };

        Assert.That(KqueuePoller.Create(kqueue, out var poller), Is.EqualTo(-(int)errno));

        Assert.That(poller, Is.Null);
        Assert.That(kqueue.Closes, Is.EqualTo(1));
    }

    [Test]
    public void A_loop_that_gets_no_poller_names_kqueue()
    {
        var kernel = new KernelOnScriptedKqueue(new ScriptedKqueue { Created = -(int)Errno.EMFILE });

        var error = Assert.Throws<KernelException>(() => EventLoop.Start(TestLoop.Options(kernel)));

        Assert.That((error!.Syscall, error.Errno), Is.EqualTo(("kqueue", Errno.EMFILE)));
    }

    private static Poller Over(ScriptedKqueue kqueue)
    {
        Assert.That(KqueuePoller.Create(kqueue, out var poller), Is.Zero);
        return poller!;
    }
}
