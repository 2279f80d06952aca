using System.Diagnostics;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What every poller must do, whatever system call is behind it. A class for each poller inherits this.</summary>
public abstract class PollerContract
{
    private protected static readonly Token Mine = new(Slot: 3, Generation: 7);

    private RawListener _listener = null!;
    private Errno _toldErrno;

    private protected Poller Poller { get; private set; } = null!;

    private protected RawPeer NearPeer { get; private set; } = null!;

    private protected RawPeer FarPeer { get; private set; } = null!;

    private protected int Near => (int)NearPeer.Socket.Handle;

    [SetUp]
    public void Connect_a_pair()
    {
        Poller = CreatePoller();
        _toldErrno = Errno.None;
        _listener = RawListener.Start();
        NearPeer = RawPeer.Dial(_listener.LocalEndPoint);
        FarPeer = _listener.Accept();
    }

    [TearDown]
    public void Close_all()
    {
        FarPeer?.Dispose();
        NearPeer?.Dispose();
        _listener?.Dispose();
        Poller?.Dispose();
    }

    [Test]
    public void A_socket_that_is_writable_already_is_told_once_after_it_was_added()
    {
        Assert.That(Poller.Add(Near, Mine), Is.Zero);

        Assert.That(WaitFor(Readiness.Writable), Is.EqualTo(Readiness.Writable));
        Assert.That(Pending(), Is.Empty);
    }

    [Test]
    public void Bytes_make_it_readable_once_and_further_bytes_once_more()
    {
        Poller.Add(Near, Mine);
        Pending();

        FarPeer.Send("a");
        WaitFor(Readiness.Readable);
        Assert.That(Pending(), Is.Empty);

        FarPeer.Send("b");
        WaitFor(Readiness.Readable);
        Assert.That(Pending(), Is.Empty);
    }

    [Test]
    public void Bytes_that_came_before_it_was_added_are_told_of()
    {
        FarPeer.Send("early");
        Assert.That(NearPeer.Socket.Poll(Until.Limit, SelectMode.SelectRead), Is.True);

        Poller.Add(Near, Mine);

        WaitFor(Readiness.Readable);
    }

    [Test]
    public void The_peer_s_half_close_is_told_with_the_bytes_before_it()
    {
        Poller.Add(Near, Mine);
        Pending();

        FarPeer.Send("last words");
        FarPeer.HalfClose();

        var told = WaitFor(Readiness.ReadClosed | Readiness.Readable);
        Assert.That(told & Readiness.HangUp, Is.EqualTo(Readiness.None), "Our own direction is still open.");
    }

    [Test]
    public void A_reset_is_told_as_an_error_and_an_end()
    {
        Poller.Add(Near, Mine);
        Pending();

        FarPeer.Reset();

        WaitFor(Readiness.Error | Readiness.ReadClosed);
        Assert.That(ErrorOf(Near), Is.EqualTo(Errno.ECONNRESET));
    }

    [Test]
    public void Both_directions_over_is_an_end()
    {
        Poller.Add(Near, Mine);
        Pending();

        NearPeer.HalfClose();
        FarPeer.HalfClose();

        WaitFor(Readiness.ReadClosed);
        Assert.That(ErrorOf(Near), Is.EqualTo(Errno.None));
    }

    [Test]
    public void Our_own_half_close_is_no_end_of_what_the_peer_sends()
    {
        Poller.Add(Near, Mine);
        Pending();

        NearPeer.HalfClose();
        FarPeer.Send("still talking");

        var told = WaitFor(Readiness.Readable);
        Assert.That(told & (Readiness.ReadClosed | Readiness.HangUp), Is.EqualTo(Readiness.None));
    }

    [Test]
    public void Room_in_a_full_send_buffer_makes_it_writable_again()
    {
        Poller.Add(Near, Mine);
        Pending();
        NearPeer.Socket.Blocking = false;
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
        FarPeer.ReadExactly(filled);

        WaitFor(Readiness.Writable);
    }

    [Test]
    public void A_connection_to_accept_makes_a_listener_readable()
    {
        using var listener = RawPeer.NewSocket(Loopback.AnyPort);
        listener.Bind(Loopback.AnyPort);
        listener.Listen();
        Poller.Add((int)listener.Handle, Mine);
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
            Poller.Add(descriptor, Mine);
            Assert.That(Kernel.System.Connect(descriptor, refusing.EndPoint.Serialize()), Is.EqualTo(-(int)Errno.EINPROGRESS));

            var told = WaitFor(Readiness.Error);
            Assert.That(told & Readiness.Writable, Is.EqualTo(Readiness.Writable));
            Assert.That(ErrorOf(descriptor), Is.EqualTo(Errno.ECONNREFUSED));
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
        if (UrgentDataIsNotTold is { } reason) Assert.Ignore(reason);
        Poller.Add(Near, Mine);
        Pending();

        FarPeer.Socket.Send([1], SocketFlags.OutOfBand);

        WaitFor(Readiness.Urgent);
    }

    [TestCase(0u, 1u)]
    [TestCase(uint.MaxValue, uint.MaxValue)]
    [TestCase(1u, 0x8000_0000u)]
    public void The_token_comes_back_bit_for_bit(uint slot, uint generation)
    {
        var token = new Token(slot, generation);

        Poller.Add(Near, token);

        var events = new PollEvent[4];
        Assert.That(Poller.Wait(events, (int)Until.Limit.TotalMilliseconds), Is.EqualTo(1));
        Assert.That(events[0].Token, Is.EqualTo(token));
    }

    [Test]
    public void What_is_removed_is_told_of_no_more_even_while_a_duplicate_lives()
    {
        Poller.Add(Near, Mine);
        Pending();
        Assert.That(Poller.Remove(Near), Is.Zero);

        // The socket itself lives on in the test's hands, like a duplicate that a child process inherited.
        FarPeer.Send("to whom?");
        Assert.That(NearPeer.ReadText(8), Is.EqualTo("to whom?"));

        Assert.That(Pending(), Is.Empty);
    }

    [Test]
    public void More_events_than_room_come_with_the_next_waits()
    {
        using var second = RawPeer.Dial(_listener.LocalEndPoint);
        using var third = RawPeer.Dial(_listener.LocalEndPoint);
        var all = new Dictionary<int, Token> { [Near] = new(1, 1), [(int)second.Socket.Handle] = new(2, 1), [(int)third.Socket.Handle] = new(3, 1) };
        foreach (var (descriptor, token) in all)
            Poller.Add(descriptor, token);

        var told = new HashSet<Token>();
        var events = new PollEvent[1];
        var waited = Stopwatch.StartNew();
        while (told.Count < all.Count && waited.Elapsed < Until.Limit)
        {
            if (Poller.Wait(events, timeoutMs: 100) == 1)
                told.Add(events[0].Token);
        }

        Assert.That(told, Is.EquivalentTo(all.Values));
    }

    [Test]
    public void A_descriptor_that_is_none_is_EBADF()
    {
        Assert.That(Poller.Add(-1, Mine), Is.EqualTo(-(int)Errno.EBADF));
        Assert.That(Poller.Remove(-1), Is.EqualTo(-(int)Errno.EBADF));
    }

    [Test]
    public void Removing_what_was_never_added_is_ENOENT() =>
        Assert.That(Poller.Remove(Near), Is.EqualTo(-(int)Errno.ENOENT));

    [Test]
    public void A_wake_before_the_wait_ends_it_without_an_event()
    {
        for (var i = 0; i < 1_000; i++)
            Assert.That(Poller.Wake(), Is.Zero);

        Assert.That(Poller.Wait(new PollEvent[4], timeoutMs: -1), Is.Zero);
    }

    [Test]
    public async Task A_wake_from_another_thread_ends_an_endless_wait()
    {
        var waiting = Task.Factory.StartNew(() => Poller.Wait(new PollEvent[4], timeoutMs: -1), TaskCreationOptions.LongRunning);

        // Whether the wait has begun or not yet, a wake ends it.
        Poller.Wake();

        Assert.That(await waiting.Within(), Is.Zero);
    }

    [Test]
    public void A_wake_hides_no_event()
    {
        Poller.Add(Near, Mine);
        Pending();
        Poller.Wake();
        FarPeer.Send("a");

        WaitFor(Readiness.Readable);
    }

    [Test]
    public void A_wait_of_some_milliseconds_does_not_end_before_them()
    {
        var waited = Stopwatch.StartNew();

        Assert.That(Poller.Wait(new PollEvent[4], timeoutMs: 50), Is.Zero);

        // The kernel's clock and Stopwatch's are the same, and no poller rounds down.
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

    /// <summary>Why a poller does not tell of urgent data; null where it does.</summary>
    private protected virtual string? UrgentDataIsNotTold => null;

    private protected abstract Poller CreatePoller();

    /// <summary>The error of a socket: what SO_ERROR says, or else what was told with an event.</summary>
    private Errno ErrorOf(int descriptor)
    {
        var pending = Kernel.System.SocketError(descriptor);
        return pending != 0 ? (Errno)(-pending) : _toldErrno;
    }

    /// <summary>Waits until all of this was told of the socket, and answers all that was told.</summary>
    private protected Readiness WaitFor(Readiness expected)
    {
        var told = Readiness.None;
        var events = new PollEvent[4];
        var waited = Stopwatch.StartNew();
        while ((told & expected) != expected)
        {
            Assert.That(waited.Elapsed, Is.LessThan(Until.Limit), $"Waiting for {expected}, told was {told}");
            var count = Poller.Wait(events, timeoutMs: 1_000);
            Assert.That(count, Is.GreaterThanOrEqualTo(0));
            foreach (var news in events.AsSpan(0, count))
            {
                Assert.That(news.Token, Is.EqualTo(Mine));
                told |= news.Readiness;
                if (news.Errno != Errno.None) _toldErrno = news.Errno;
            }
        }

        return told;
    }

    /// <summary>What is there to tell right now.</summary>
    private protected PollEvent[] Pending()
    {
        var events = new PollEvent[4];
        var count = Poller.Wait(events, timeoutMs: 0);
        return events[..count];
    }
}
