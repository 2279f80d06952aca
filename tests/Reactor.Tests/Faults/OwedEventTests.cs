using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A <see cref="FaultyKernel"/> leaves nobody waiting for an edge that has passed, and gives nothing before its time.</summary>
[TestFixture]
public sealed class OwedEventTests
{
    private FaultyPair _pair = null!;
    private FaultyKernel _kernel = null!;

    private static PollEvent Readable => new(FaultyPair.Mine, Readiness.Readable);

    private static PollEvent Writable => new(FaultyPair.Mine, Readiness.Writable);

    [SetUp]
    public void Connect_a_pair()
    {
        _pair = new FaultyPair();
        _kernel = _pair.Kernel;
    }

    [TearDown]
    public void Close_the_pair() => _pair.Dispose();

    [Test]
    public void An_EAGAIN_that_is_not_true_is_followed_by_an_event()
    {
        _pair.Send("abc");
        _pair.WaitFor(Readiness.Readable);
        _kernel.Inject(new Fault { Call = KernelCall.Receive, Errno = Errno.EAGAIN });
        _kernel.Inject(new Fault { Call = KernelCall.Send, Errno = Errno.EAGAIN });

        Assert.That(_kernel.Receive(_pair.Near, new byte[10]), Is.EqualTo(-(int)Errno.EAGAIN));
        Assert.That(_pair.Pending(), Is.EqualTo(new[] { Readable }));
        Assert.That(_kernel.Send(_pair.Near, "x"u8), Is.EqualTo(-(int)Errno.EAGAIN));
        Assert.That(_pair.Pending(), Is.EqualTo(new[] { Writable }));
        Assert.That(_pair.Pending(), Is.Empty, "Once.");
        Assert.That(_kernel.Receive(_pair.Near, new byte[10]), Is.EqualTo(3));
    }

    [Test]
    public void Several_that_are_owed_for_one_socket_are_one_event()
    {
        _kernel.Inject(new Fault { Call = KernelCall.Receive, Errno = Errno.EAGAIN });
        _kernel.Inject(new Fault { Call = KernelCall.Send, Errno = Errno.EAGAIN });
        _kernel.Receive(_pair.Near, new byte[10]);
        _kernel.Send(_pair.Near, "x"u8);

        Assert.That(_pair.Pending(), Is.EqualTo(new[] { new PollEvent(FaultyPair.Mine, Readiness.Readable | Readiness.Writable) }));
    }

    [Test]
    public void A_short_receive_leaves_the_rest_and_an_event_tells_of_it()
    {
        _pair.Send("abcdef");
        _pair.WaitFor(Readiness.Readable);
        _kernel.Inject(new Fault { Call = KernelCall.Receive, AtMostBytes = 2 });

        var buffer = new byte[10];
        Assert.That(_kernel.Receive(_pair.Near, buffer), Is.EqualTo(2));
        Assert.That(_pair.Pending(), Is.EqualTo(new[] { Readable }));
        Assert.That(_kernel.Receive(_pair.Near, buffer), Is.EqualTo(4));
        Assert.That(buffer[..4], Is.EqualTo("cdef"u8.ToArray()));
    }

    [Test]
    public void A_short_peek_shows_fewer_bytes()
    {
        _pair.Send("abcdef");
        _kernel.Inject(new Fault { Call = KernelCall.Peek, AtMostBytes = 2 });

        Assert.That(_kernel.Peek(_pair.Near, new byte[10]), Is.EqualTo(2));
        Assert.That(_kernel.Peek(_pair.Near, new byte[10]), Is.EqualTo(6));
    }

    [Test]
    public void A_short_send_takes_the_first_bytes_and_an_event_tells_of_the_room()
    {
        _kernel.Inject(new Fault { Call = KernelCall.Send, AtMostBytes = 2 });

        Assert.That(_kernel.Send(_pair.Near, "abcdef"u8), Is.EqualTo(2));
        Assert.That(_pair.Pending(), Is.EqualTo(new[] { Writable }));
        Assert.That(_pair.Far.ReadText(2), Is.EqualTo("ab"));
    }

    [TestCase(1, "a")]
    [TestCase(3, "abc")]
    [TestCase(4, "abcd")]
    [TestCase(6, "abcdef")]
    [TestCase(7, "abcdef")]
    public unsafe void A_short_gathering_send_ends_within_any_of_the_pieces(int most, string sent)
    {
        _kernel.Inject(new Fault { Call = KernelCall.Gather, AtMostBytes = most });
        fixed (byte* first = "abc"u8, second = "def"u8)
        {
            var vectors = stackalloc[] { new IoVector(first, 3), new IoVector(second, 0), new IoVector(second, 3) };
            Assert.That(_kernel.Send(_pair.Near, new ReadOnlySpan<IoVector>(vectors, 3)), Is.EqualTo(sent.Length));
        }

        Assert.That(_pair.Far.ReadText(sent.Length), Is.EqualTo(sent));
    }

    [Test]
    public void A_late_receive_finds_nothing_before_its_time_and_no_event_tells_of_it()
    {
        _pair.Send("abc");
        _kernel.Inject(new Fault { Call = KernelCall.Receive, Delay = FaultyPair.Hour });
        Assert.That(_kernel.Receive(_pair.Near, new byte[10]), Is.EqualTo(-(int)Errno.EAGAIN));

        _pair.Send("abcd");
        Assert.That(_pair.Pending().Select(static one => one.Readiness & Readiness.Readable), Has.None.EqualTo(Readiness.Readable), "Not even new bytes show it.");
        Assert.That(_kernel.Receive(_pair.Near, new byte[10]), Is.EqualTo(-(int)Errno.EAGAIN), "Whoever asks.");
        Assert.That(_kernel.Send(_pair.Near, "x"u8), Is.EqualTo(1), "The other direction goes on.");

        _pair.Clock.Jump(FaultyPair.Hour);
        Assert.That(_pair.Pending(), Is.EqualTo(new[] { Readable }));
        Assert.That(_kernel.Receive(_pair.Near, new byte[10]), Is.EqualTo(7));
    }

    [Test]
    public void After_a_short_receive_with_a_delay_the_rest_is_late()
    {
        _pair.Send("abcdef");
        _pair.WaitFor(Readiness.Readable);
        _kernel.Inject(new Fault { Call = KernelCall.Receive, AtMostBytes = 2, Delay = FaultyPair.Hour });

        Assert.That(_kernel.Receive(_pair.Near, new byte[10]), Is.EqualTo(2));
        Assert.That(_kernel.Receive(_pair.Near, new byte[10]), Is.EqualTo(-(int)Errno.EAGAIN));
        Assert.That(_pair.Pending(), Is.Empty);

        _pair.Clock.Jump(FaultyPair.Hour);
        Assert.That(_pair.Pending(), Is.EqualTo(new[] { Readable }));
    }

    [Test]
    public void Bytes_that_are_late_come_with_the_reset_that_came_behind_them()
    {
        _pair.Send("abc");
        _pair.WaitFor(Readiness.Readable);
        _kernel.Inject(new Fault { Call = KernelCall.Receive, Delay = FaultyPair.Hour });
        _kernel.Receive(_pair.Near, new byte[10]);

        _pair.Far.Reset();

        Assert.That(_pair.WaitFor(Readiness.Error) & Readiness.Readable, Is.EqualTo(Readiness.Readable));
        Assert.That(_kernel.Receive(_pair.Near, new byte[10]), Is.EqualTo(3));
    }

    [Test]
    public void A_late_connect_shows_neither_event_nor_peer_before_its_time()
    {
        var descriptor = _pair.NewSocket();
        var token = new Token(9, 9);
        _kernel.Inject(new Fault { Call = KernelCall.Connect, Delay = FaultyPair.Hour });

        Assert.That(_pair.Connect(descriptor), Is.EqualTo(-(int)Errno.EINPROGRESS));
        _pair.Poller.Add(descriptor, token);
        using var peer = _pair.Listener.Accept();
        Assert.That(_pair.Pending(), Is.Empty);
        Assert.That(_kernel.SocketError(descriptor), Is.Zero);
        Assert.That(_pair.PeerAddress(descriptor), Is.EqualTo(-(int)Errno.ENOTCONN));

        _pair.Clock.Jump(FaultyPair.Hour);
        Assert.That(_pair.Pending(), Is.EqualTo(new[] { new PollEvent(token, Readiness.Writable) }));
        Assert.That(_pair.PeerAddress(descriptor), Is.Zero);
    }

    [Test]
    public void A_late_refusal_is_told_at_its_time_too()
    {
        using var refusing = Loopback.Refusing();
        var descriptor = _pair.NewSocket();
        _kernel.Inject(new Fault { Call = KernelCall.Connect, Delay = FaultyPair.Hour });
        _kernel.Connect(descriptor, refusing.EndPoint.Serialize());
        _pair.Poller.Add(descriptor, new Token(9, 9));

        Assert.That(_kernel.SocketError(descriptor), Is.Zero);
        Assert.That(_pair.Pending(), Is.Empty);

        _pair.Clock.Jump(FaultyPair.Hour);
        var told = _pair.Pending().Single(static one => one.Readiness.HasFlag(Readiness.Error));
        var error = _kernel.SocketError(descriptor);
        Assert.That(error != 0 ? (Errno)(-error) : told.Errno, Is.EqualTo(Errno.ECONNREFUSED));
    }

    [TestCase(Errno.EINPROGRESS)]
    [TestCase(Errno.EALREADY)]
    public void Who_is_told_that_a_connect_is_still_under_way_is_told_again(Errno errno)
    {
        _kernel.Inject(new Fault { Call = KernelCall.SocketError, Errno = errno });
        _kernel.SocketError(_pair.Near);
        Assert.That(_pair.Pending(), Is.EqualTo(new[] { Writable }));

        _kernel.Inject(new Fault { Call = KernelCall.PeerAddress, Errno = Errno.ENOTCONN });
        _pair.PeerAddress(_pair.Near);
        Assert.That(_pair.Pending(), Is.EqualTo(new[] { Writable }));
    }

    [Test]
    public void A_late_event_comes_at_its_time_and_the_socket_is_ready_meanwhile()
    {
        _kernel.Inject(new Fault { Call = KernelCall.Wait, Descriptor = _pair.Near, Delay = FaultyPair.Hour });
        _pair.Send("abc");

        Assert.That(_pair.Pending(), Is.Empty);
        Assert.That(_kernel.Receive(_pair.Near, new byte[1]), Is.EqualTo(1));

        _pair.Clock.Jump(FaultyPair.Hour);
        Assert.That(_pair.Pending().Single().Readiness & Readiness.Readable, Is.EqualTo(Readiness.Readable));
        Assert.That(_kernel.FaultsOf(KernelCall.Wait), Is.EqualTo(1));
    }

    [Test]
    public void Waits_without_events_do_not_use_up_the_late_ones()
    {
        _kernel.Inject(new Fault { Call = KernelCall.Wait, First = 2, Delay = FaultyPair.Hour });
        Assert.That(_pair.Pending(), Is.Empty);
        Assert.That(_pair.Pending(), Is.Empty);

        _pair.Send("a");
        Assert.That(_pair.Pending(), Has.Length.EqualTo(1));
        _pair.Send("ab");
        Assert.That(_pair.Pending(), Is.Empty);
    }

    [Test]
    public void A_wait_ends_by_itself_when_something_late_is_due_and_not_before()
    {
        var delay = TimeSpan.FromMilliseconds(20);
        var start = _kernel.Timestamp;
        _kernel.Inject(new Fault { Call = KernelCall.Receive, Delay = delay });
        _kernel.Receive(_pair.Near, new byte[1]);

        var events = new PollEvent[4];
        Assert.That(_pair.Poller.Wait(events, -1), Is.EqualTo(1));

        Assert.That(events[0], Is.EqualTo(Readable));
        Assert.That(_kernel.Timestamp - start, Is.GreaterThanOrEqualTo(delay.Ticks * TimeSpan.NanosecondsPerTick));
    }

    [Test]
    public void What_finds_no_room_comes_with_a_later_wait_and_nobody_is_starved()
    {
        var descriptors = new Dictionary<Token, int>();
        for (var i = 0u; i < 5; i++)
        {
            var descriptor = _pair.NewSocket();
            _pair.Connect(descriptor);
            var token = new Token(100 + i, 1);
            descriptors.Add(token, descriptor);
            _pair.Poller.Add(descriptor, token);
            _kernel.Inject(new Fault { Call = KernelCall.Receive, Times = int.MaxValue, Descriptor = descriptor, Errno = Errno.EAGAIN });
            _kernel.Receive(descriptor, new byte[1]);
        }

        _pair.Send("abc");
        var seen = new HashSet<Token>();
        for (var waits = 0; waits < 40; waits++)
        {
            foreach (var one in _pair.Pending(room: 1))
            {
                seen.Add(one.Token);

                // As a loop does, whereupon another event is owed.
                if (descriptors.TryGetValue(one.Token, out var descriptor))
                    _kernel.Receive(descriptor, new byte[1]);
            }
        }

        Assert.That(seen, Is.EquivalentTo([.. descriptors.Keys, FaultyPair.Mine]));
        for (var i = 0; i < 5; i++)
            _pair.Listener.Accept().Dispose();
    }

    [Test]
    public async Task A_wake_ends_a_wait_while_events_are_held_back()
    {
        _kernel.Inject(new Fault { Call = KernelCall.Receive, Delay = FaultyPair.Hour });
        _kernel.Receive(_pair.Near, new byte[1]);

        var waiting = Task.Run(() => _pair.Poller.Wait(new PollEvent[4], -1));
        _pair.Poller.Wake();

        Assert.That(await waiting.Within(), Is.Zero);
    }

    [Test]
    public async Task What_another_thread_comes_to_be_owed_ends_a_wait_too()
    {
        var waiting = Task.Run(() => _pair.WaitFor(Readiness.Readable));
        _kernel.Inject(new Fault { Call = KernelCall.Receive, Errno = Errno.EAGAIN });
        _kernel.Receive(_pair.Near, new byte[1]);

        await waiting.Within();
    }

    [Test]
    public void A_closed_descriptor_takes_what_was_owed_to_it_along()
    {
        var descriptor = _pair.NewSocket();
        _pair.Connect(descriptor);
        using var peer = _pair.Listener.Accept();
        _pair.Poller.Add(descriptor, new Token(9, 1));
        _pair.Pending();
        _kernel.Inject(new Fault { Call = KernelCall.Receive, Descriptor = descriptor, Delay = FaultyPair.Hour });
        _kernel.Receive(descriptor, new byte[1]);

        _pair.Poller.Remove(descriptor);
        _kernel.Close(descriptor);
        var again = _kernel.Socket(System.Net.Sockets.AddressFamily.InterNetwork);
        Assert.That(again, Is.EqualTo(descriptor), "The lowest number that is free.");
        _pair.Connect(again);
        using var otherPeer = _pair.Listener.Accept();
        _pair.Poller.Add(again, new Token(9, 2));
        _pair.Pending();

        _pair.Clock.Jump(FaultyPair.Hour);
        Assert.That(_pair.Pending(), Is.Empty);
    }

    [Test]
    public void Clear_does_not_lose_what_is_late_already()
    {
        _kernel.Inject(new Fault { Call = KernelCall.Receive, Delay = FaultyPair.Hour });
        _kernel.Receive(_pair.Near, new byte[1]);
        _kernel.Clear();

        _pair.Clock.Jump(FaultyPair.Hour);

        Assert.That(_pair.Pending(), Is.EqualTo(new[] { Readable }));
    }

    [Test]
    public void A_spurious_event_is_of_the_socket_that_was_named_or_of_all()
    {
        var other = _pair.NewSocket();
        var token = new Token(9, 1);
        _pair.Connect(other);
        using var peer = _pair.Listener.Accept();
        _pair.Poller.Add(other, token);
        _pair.Pending();

        _kernel.Inject(new Fault { Call = KernelCall.Wait, Descriptor = other, Spurious = Readiness.HangUp });
        Assert.That(_pair.Pending(), Is.EqualTo(new[] { new PollEvent(token, Readiness.HangUp) }));
        Assert.That(_pair.Pending(), Is.Empty);

        _kernel.Inject(new Fault { Call = KernelCall.Wait, Spurious = Readiness.Readable });
        Assert.That(_pair.Pending(), Is.EquivalentTo(new[] { Readable, new PollEvent(token, Readiness.Readable) }));
    }

    [Test]
    public void An_interrupted_wait_loses_no_event()
    {
        _pair.Send("abc");
        _kernel.Inject(new Fault { Call = KernelCall.Wait, Errno = Errno.EINTR });

        Assert.That(_pair.Poller.Wait(new PollEvent[4], -1), Is.EqualTo(-(int)Errno.EINTR));
        Assert.That(_pair.WaitFor(Readiness.Readable), Is.Not.EqualTo(Readiness.None));
    }
}
