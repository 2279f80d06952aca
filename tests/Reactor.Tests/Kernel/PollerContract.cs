using System.Diagnostics;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What every poller must do, whatever system call is behind it. A class for each poller inherits this.</summary>
public abstract class PollerContract
{
    private static readonly Token Mine = new(Slot: 3, Generation: 7);

    private Poller _poller = null!;
    private RawListener _listener = null!;
    private RawPeer _near = null!;
    private RawPeer _far = null!;

    private int Near => (int)_near.Socket.Handle;

    [SetUp]
    public void Connect_a_pair()
    {
        _poller = CreatePoller();
        _listener = RawListener.Start();
        _near = RawPeer.Dial(_listener.LocalEndPoint);
        _far = _listener.Accept();
    }

    [TearDown]
    public void Close_all()
    {
        _far.Dispose();
        _near.Dispose();
        _listener.Dispose();
        _poller.Dispose();
    }

    [Test]
    public void A_socket_that_is_writable_already_is_told_once_after_it_was_added()
    {
        Assert.That(_poller.Add(Near, Mine), Is.Zero);

        Assert.That(WaitFor(Readiness.Writable), Is.EqualTo(Readiness.Writable));
        Assert.That(Pending(), Is.Empty);
    }

    [Test]
    public void Bytes_make_it_readable_once_and_further_bytes_once_more()
    {
        _poller.Add(Near, Mine);
        Pending();

        _far.Send("a");
        WaitFor(Readiness.Readable);
        Assert.That(Pending(), Is.Empty);

        _far.Send("b");
        WaitFor(Readiness.Readable);
        Assert.That(Pending(), Is.Empty);
    }

    [Test]
    public void Bytes_that_came_before_it_was_added_are_told_of()
    {
        _far.Send("early");
        Assert.That(_near.Socket.Poll(Until.Limit, SelectMode.SelectRead), Is.True);

        _poller.Add(Near, Mine);

        WaitFor(Readiness.Readable);
    }

    [Test]
    public void The_peer_s_half_close_is_told_with_the_bytes_before_it()
    {
        _poller.Add(Near, Mine);
        Pending();

        _far.Send("last words");
        _far.HalfClose();

        var told = WaitFor(Readiness.ReadClosed | Readiness.Readable);
        Assert.That(told & Readiness.HangUp, Is.EqualTo(Readiness.None), "Our own direction is still open.");
    }

    [Test]
    public void A_reset_is_told_as_error_and_hang_up()
    {
        _poller.Add(Near, Mine);
        Pending();

        _far.Reset();

        WaitFor(Readiness.Error | Readiness.HangUp);
    }

    [Test]
    public void Both_directions_over_is_a_hang_up()
    {
        _poller.Add(Near, Mine);
        Pending();

        _near.HalfClose();
        _far.HalfClose();

        WaitFor(Readiness.HangUp);
    }

    [Test]
    public void Room_in_a_full_send_buffer_makes_it_writable_again()
    {
        _poller.Add(Near, Mine);
        Pending();
        _near.Socket.Blocking = false;
        var filled = 0;
        var block = new byte[65536];
        while (true)
        {
            var sent = Kernel.System.Send(Near, block);
            if (sent == -(int)Errno.EAGAIN)
                break;
            filled += sent;
        }

        Pending();
        _far.ReadExactly(filled);

        WaitFor(Readiness.Writable);
    }

    [Test]
    public void A_connection_to_accept_makes_a_listener_readable()
    {
        using var listener = RawPeer.NewSocket(Loopback.AnyPort);
        listener.Bind(Loopback.AnyPort);
        listener.Listen();
        _poller.Add((int)listener.Handle, Mine);
        Pending();

        using var dialled = RawPeer.Dial(listener.LocalEndPoint!);

        WaitFor(Readiness.Readable);
    }

    [Test]
    public void A_refused_connect_is_told_with_an_error()
    {
        using var refusing = Loopback.Refusing();
        var descriptor = Kernel.System.Socket(AddressFamily.InterNetwork);
        try
        {
            // Registered before connect, as the loop does it.
            _poller.Add(descriptor, Mine);
            Assert.That(Kernel.System.Connect(descriptor, refusing.EndPoint.Serialize()), Is.EqualTo(-(int)Errno.EINPROGRESS));

            var told = WaitFor(Readiness.Error);
            Assert.That(told & Readiness.Writable, Is.EqualTo(Readiness.Writable));
            Assert.That(Kernel.System.SocketError(descriptor), Is.EqualTo(-(int)Errno.ECONNREFUSED));
            Assert.That(Kernel.System.SocketError(descriptor), Is.Zero, "Asking clears it.");
        }
        finally
        {
            Kernel.System.Close(descriptor);
        }
    }

    [Test]
    public void Urgent_data_is_told()
    {
        _poller.Add(Near, Mine);
        Pending();

        _far.Socket.Send([1], SocketFlags.OutOfBand);

        WaitFor(Readiness.Urgent);
    }

    [TestCase(0u, 1u)]
    [TestCase(uint.MaxValue, uint.MaxValue)]
    [TestCase(1u, 0x8000_0000u)]
    public void The_token_comes_back_bit_for_bit(uint slot, uint generation)
    {
        var token = new Token(slot, generation);

        _poller.Add(Near, token);

        var events = new PollEvent[4];
        Assert.That(_poller.Wait(events, (int)Until.Limit.TotalMilliseconds), Is.EqualTo(1));
        Assert.That(events[0].Token, Is.EqualTo(token));
    }

    [Test]
    public void What_is_removed_is_told_of_no_more_even_while_a_duplicate_lives()
    {
        _poller.Add(Near, Mine);
        Pending();
        Assert.That(_poller.Remove(Near), Is.Zero);

        // The socket itself lives on in the test's hands, like a duplicate that a child process inherited.
        _far.Send("to whom?");
        Assert.That(_near.ReadText(8), Is.EqualTo("to whom?"));

        Assert.That(Pending(), Is.Empty);
    }

    [Test]
    public void More_events_than_room_come_with_the_next_waits()
    {
        using var second = RawPeer.Dial(_listener.LocalEndPoint);
        using var third = RawPeer.Dial(_listener.LocalEndPoint);
        var all = new Dictionary<int, Token> { [Near] = new(1, 1), [(int)second.Socket.Handle] = new(2, 1), [(int)third.Socket.Handle] = new(3, 1) };
        foreach (var (descriptor, token) in all)
            _poller.Add(descriptor, token);

        var told = new HashSet<Token>();
        var events = new PollEvent[1];
        var waited = Stopwatch.StartNew();
        while (told.Count < all.Count && waited.Elapsed < Until.Limit)
        {
            if (_poller.Wait(events, timeoutMs: 100) == 1)
                told.Add(events[0].Token);
        }

        Assert.That(told, Is.EquivalentTo(all.Values));
    }

    [Test]
    public void The_same_descriptor_twice_is_EEXIST()
    {
        _poller.Add(Near, Mine);

        Assert.That(_poller.Add(Near, Mine), Is.EqualTo(-(int)Errno.EEXIST));
    }

    [Test]
    public void A_descriptor_that_is_none_is_EBADF()
    {
        Assert.That(_poller.Add(-1, Mine), Is.EqualTo(-(int)Errno.EBADF));
        Assert.That(_poller.Remove(-1), Is.EqualTo(-(int)Errno.EBADF));
    }

    [Test]
    public void Removing_what_was_never_added_is_ENOENT() =>
        Assert.That(_poller.Remove(Near), Is.EqualTo(-(int)Errno.ENOENT));

    [Test]
    public void A_wake_before_the_wait_ends_it_without_an_event()
    {
        for (var i = 0; i < 1_000; i++)
            Assert.That(_poller.Wake(), Is.Zero);

        Assert.That(_poller.Wait(new PollEvent[4], timeoutMs: -1), Is.Zero);
    }

    [Test]
    public async Task A_wake_from_another_thread_ends_an_endless_wait()
    {
        var waiting = Task.Factory.StartNew(() => _poller.Wait(new PollEvent[4], timeoutMs: -1), TaskCreationOptions.LongRunning);

        // Whether the wait has begun or not yet, a wake ends it.
        _poller.Wake();

        Assert.That(await waiting.Within(), Is.Zero);
    }

    [Test]
    public void A_wake_hides_no_event()
    {
        _poller.Add(Near, Mine);
        Pending();
        _poller.Wake();
        _far.Send("a");

        WaitFor(Readiness.Readable);
    }

    [Test]
    public void A_wait_of_some_milliseconds_does_not_end_before_them()
    {
        var waited = Stopwatch.StartNew();

        Assert.That(_poller.Wait(new PollEvent[4], timeoutMs: 50), Is.Zero);

        // The kernel's clock and Stopwatch's are the same, and epoll_wait rounds up.
        Assert.That(waited.ElapsedMilliseconds, Is.GreaterThanOrEqualTo(49));
    }

    [Test]
    public void Its_own_descriptors_go_with_it()
    {
        var before = Descriptors.OfNetwork();
        var poller = CreatePoller();
        Assert.That(Descriptors.OfNetwork(), Has.Count.GreaterThan(before.Count));

        poller.Dispose();
        poller.Dispose();

        Assert.That(Descriptors.OfNetwork(), Is.SubsetOf(before));
    }

    private protected abstract Poller CreatePoller();

    /// <summary>Waits until all of this was told of the socket, and answers all that was told.</summary>
    private Readiness WaitFor(Readiness expected)
    {
        var told = Readiness.None;
        var events = new PollEvent[4];
        var waited = Stopwatch.StartNew();
        while ((told & expected) != expected)
        {
            Assert.That(waited.Elapsed, Is.LessThan(Until.Limit), $"Waiting for {expected}, told was {told}");
            var count = _poller.Wait(events, timeoutMs: 1_000);
            Assert.That(count, Is.GreaterThanOrEqualTo(0));
            foreach (var news in events.AsSpan(0, count))
            {
                Assert.That(news.Token, Is.EqualTo(Mine));
                told |= news.Readiness;
            }
        }

        return told;
    }

    /// <summary>What is there to tell right now.</summary>
    private PollEvent[] Pending()
    {
        var events = new PollEvent[4];
        var count = _poller.Wait(events, timeoutMs: 0);
        return events[..count];
    }
}
