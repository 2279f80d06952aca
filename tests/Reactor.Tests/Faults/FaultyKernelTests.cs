using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The rules of <see cref="FaultyKernel"/>: which call they meet, what it answers, and what is really done.</summary>
[TestFixture]
public sealed class FaultyKernelTests
{
    private FaultyPair _pair = null!;
    private FaultyKernel _kernel = null!;

    private static IEnumerable<KernelCall> EveryCall => Enum.GetValues<KernelCall>();

    [SetUp]
    public void Connect_a_pair()
    {
        _pair = new FaultyPair();
        _kernel = _pair.Kernel;
    }

    [TearDown]
    public void Close_the_pair() => _pair.Dispose();

    [TestCaseSource(nameof(EveryCall))]
    public void Every_call_answers_the_errno_that_was_asked_for_and_is_counted(KernelCall call)
    {
        var (calls, faults, all) = (_kernel.CallsOf(call), _kernel.FaultsOf(call), _kernel.Faults);
        _kernel.Inject(new Fault { Call = call, Errno = Errno.EXDEV });

        var answer = Ask(call);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer, Is.EqualTo(-(int)Errno.EXDEV));
            Assert.That(_kernel.CallsOf(call) - calls, Is.EqualTo(1));
            Assert.That(_kernel.FaultsOf(call) - faults, Is.EqualTo(1));
            Assert.That(_kernel.Faults - all, Is.EqualTo(1));
        }
    }

    [Test]
    public void It_happens_from_the_call_that_was_named_on_and_as_often_as_was_said()
    {
        _kernel.Inject(new Fault { Call = KernelCall.LocalAddress, First = 3, Times = 2, Errno = Errno.ENOBUFS });

        var answers = Enumerable.Range(0, 6).Select(_ => Ask(KernelCall.LocalAddress));

        Assert.That(answers, Is.EqualTo(new[] { 0, 0, -(int)Errno.ENOBUFS, -(int)Errno.ENOBUFS, 0, 0 }));
    }

    [Test]
    public void Calls_are_counted_from_the_injection_on()
    {
        Ask(KernelCall.LocalAddress);
        _kernel.Inject(new Fault { Call = KernelCall.LocalAddress, First = 2, Errno = Errno.ENOBUFS });

        Assert.That(new[] { Ask(KernelCall.LocalAddress), Ask(KernelCall.LocalAddress) }, Is.EqualTo(new[] { 0, -(int)Errno.ENOBUFS }));
    }

    [Test]
    public void With_a_descriptor_only_its_calls_count()
    {
        var other = _pair.NewSocket();
        _kernel.Inject(new Fault { Call = KernelCall.SetOption, Descriptor = other, First = 2, Errno = Errno.ENOMEM });

        var answers = new[] { _pair.Near, other, _pair.Near, other, other }.Select(descriptor => _kernel.SetOption(descriptor, SocketOption.NoDelay, 1));

        Assert.That(answers, Is.EqualTo(new[] { 0, 0, 0, -(int)Errno.ENOMEM, 0 }));
    }

    [Test]
    public void Of_two_rules_for_a_call_the_older_one_happens_and_both_have_counted_it()
    {
        _kernel.Inject(new Fault { Call = KernelCall.LocalAddress, Errno = Errno.ENOBUFS });
        _kernel.Inject(new Fault { Call = KernelCall.LocalAddress, Times = 2, Errno = Errno.ENOMEM });

        var answers = Enumerable.Range(0, 3).Select(_ => Ask(KernelCall.LocalAddress));

        Assert.That(answers, Is.EqualTo(new[] { -(int)Errno.ENOBUFS, -(int)Errno.ENOMEM, 0 }));
    }

    [Test]
    public void A_call_that_is_refused_is_not_made()
    {
        _pair.Send("abc");
        _kernel.Inject(new Fault { Call = KernelCall.Receive, Errno = Errno.EINTR });

        var buffer = new byte[10];
        Assert.That(_kernel.Receive(_pair.Near, buffer), Is.EqualTo(-(int)Errno.EINTR));

        Assert.That(_kernel.Receive(_pair.Near, buffer), Is.EqualTo(3));
    }

    [Test]
    public void A_close_is_made_whatever_it_answers()
    {
        var descriptor = _pair.NewSocket();
        _pair.Forget(descriptor);
        _kernel.Inject(new Fault { Call = KernelCall.Close, Errno = Errno.EIO });

        Assert.That(_kernel.Close(descriptor), Is.EqualTo(-(int)Errno.EIO));

        Assert.That(_kernel.Inner.Close(descriptor), Is.EqualTo(-(int)Errno.EBADF));
    }

    [Test]
    public void A_removal_is_made_whatever_it_answers()
    {
        _kernel.Inject(new Fault { Call = KernelCall.Remove, Errno = Errno.ENOENT });

        Assert.That(_pair.Poller.Remove(_pair.Near), Is.EqualTo(-(int)Errno.ENOENT));

        _pair.Send("x");
        Assert.That(_pair.Pending(), Is.Empty);
    }

    [Test]
    public void A_file_is_unlinked_whatever_is_answered()
    {
        using var directory = new ScratchDirectory();
        var path = directory.File("x");
        File.WriteAllText(path, "x");
        _kernel.Inject(new Fault { Call = KernelCall.Unlink, Errno = Errno.EACCES });

        Assert.That(_kernel.Unlink(path), Is.EqualTo(-(int)Errno.EACCES));

        Assert.That(File.Exists(path), Is.False);
    }

    [TestCase(Errno.EINTR)]
    [TestCase(Errno.EINPROGRESS)]
    [TestCase(Errno.EALREADY)]
    [TestCase(Errno.EISCONN)]
    public void A_connect_that_goes_on_by_itself_is_begun(Errno errno)
    {
        var descriptor = _pair.NewSocket();
        _kernel.Inject(new Fault { Call = KernelCall.Connect, Errno = errno });

        Assert.That(_pair.Connect(descriptor), Is.EqualTo(-(int)errno));

        using var peer = _pair.Listener.Accept();
        Assert.That(_pair.PeerAddress(descriptor), Is.Zero);
    }

    [Test]
    public void A_connect_that_fails_is_not_begun()
    {
        var descriptor = _pair.NewSocket();
        _kernel.Inject(new Fault { Call = KernelCall.Connect, Errno = Errno.ECONNREFUSED });

        Assert.That(_pair.Connect(descriptor), Is.EqualTo(-(int)Errno.ECONNREFUSED));

        Assert.That(_pair.PeerAddress(descriptor), Is.EqualTo(-(int)Errno.ENOTCONN));
    }

    [Test]
    public void An_interrupted_connect_to_a_Unix_domain_socket_has_not_begun()
    {
        using var directory = new ScratchDirectory();
        var endPoint = new UnixDomainSocketEndPoint(directory.File("s"));
        using var listener = RawListener.Start(endPoint);
        var descriptor = _pair.NewSocket(AddressFamily.Unix);
        _kernel.Inject(new Fault { Call = KernelCall.Connect, Errno = Errno.EINTR });

        Assert.That(_kernel.Connect(descriptor, endPoint.Serialize()), Is.EqualTo(-(int)Errno.EINTR));
        Assert.That(_kernel.Connect(descriptor, endPoint.Serialize()), Is.Zero, "Otherwise this were EISCONN.");
    }

    [Test]
    public void The_answer_of_the_kernel_underneath_wins_when_a_connect_cannot_even_be_begun()
    {
        using var refusing = Loopback.Refusing();
        var descriptor = _pair.NewSocket(AddressFamily.Unix);
        _kernel.Inject(new Fault { Call = KernelCall.Connect, Errno = Errno.EINPROGRESS });

        Assert.That(_kernel.Connect(descriptor, refusing.EndPoint.Serialize()), Is.EqualTo(-(int)Errno.EINVAL));
    }

    [Test]
    public void Clear_ends_rules_and_rates()
    {
        _kernel.Inject(new Fault { Call = KernelCall.LocalAddress, Times = int.MaxValue, Errno = Errno.ENOBUFS });
        _kernel.Rates = new FaultRates(Seed: 1) { Fails = 1 };

        _kernel.Clear();

        Assert.That(_kernel.Rates, Is.Null);
        Assert.That(Ask(KernelCall.LocalAddress), Is.Zero);
    }

    [Test]
    public async Task Calls_from_many_threads_are_all_counted()
    {
        const int Threads = 4, Calls = 5_000;
        var before = _kernel.CallsOf(KernelCall.LocalAddress);
        _kernel.Inject(new Fault { Call = KernelCall.LocalAddress, First = 1_000, Times = 2_000, Errno = Errno.ENOBUFS });

        await Task.WhenAll(Enumerable.Range(0, Threads).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < Calls; i++)
                Ask(KernelCall.LocalAddress);
        }))).Within();

        Assert.That(_kernel.CallsOf(KernelCall.LocalAddress) - before, Is.EqualTo(Threads * Calls));
        Assert.That(_kernel.FaultsOf(KernelCall.LocalAddress), Is.EqualTo(2_000));
    }

    [Test]
    public async Task Two_loops_on_one_faulty_kernel_serve_each_other()
    {
        _kernel.Rates = new FaultRates(Seed: 7) { Interrupted = 0.2, CutShort = 0.2, Late = 0.1, Spurious = 0.1, LongestDelay = TimeSpan.FromMilliseconds(1) };
        await using var server = TestLoop.Start(_kernel);
        await using var client = TestLoop.Start(_kernel);
        await using var listener = await server.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        await using var connection = await client.ConnectAsync(listener.LocalEndPoint).Within();
        var sent = new byte[20_000];
        new Random(7).NextBytes(sent);

        await connection.Output.WriteAsync(sent).Within();
        var read = await connection.Input.ReadAtLeastAsync(sent.Length).Within();

        Assert.That(System.Buffers.BuffersExtensions.ToArray(read.Buffer), Is.EqualTo(sent));
        connection.Input.AdvanceTo(read.Buffer.End);
        Assert.That(_kernel.Faults, Is.Positive);
    }

    /// <summary>Makes the call for a socket that is there, so that only the fault can be at fault.</summary>
    private int Ask(KernelCall call)
    {
        var address = new SocketAddress(AddressFamily.InterNetworkV6, Kernel.AddressSize);
        var near = _pair.Near;
        return call switch
        {
            KernelCall.Socket => _kernel.Socket(AddressFamily.InterNetwork),
            KernelCall.Bind => _kernel.Bind(near, Loopback.AnyPort.Serialize()),
            KernelCall.Listen => _kernel.Listen(near, 1),
            KernelCall.Adopt => _kernel.Adopt(near),
            KernelCall.Accept => _kernel.Accept(near, address),
            KernelCall.Connect => _kernel.Connect(near, Loopback.AnyPort.Serialize()),
            KernelCall.Receive => _kernel.Receive(near, new byte[1]),
            KernelCall.Peek => _kernel.Peek(near, new byte[1]),
            KernelCall.Send => _kernel.Send(near, new byte[1]),
            KernelCall.Gather => _kernel.Send(near, default(ReadOnlySpan<IoVector>)),
            KernelCall.SendUrgent => _kernel.SendUrgent(near, new byte[1]),
            KernelCall.ReceiveUrgent => _kernel.ReceiveUrgent(near, new byte[1]),
            KernelCall.IsAtMark => _kernel.IsAtMark(near),
            KernelCall.Shutdown => _kernel.Shutdown(near, SocketShutdown.Send),
            KernelCall.Close => _kernel.Close(near),
            KernelCall.SetOption => _kernel.SetOption(near, SocketOption.NoDelay, 1),
            KernelCall.BindToDevice => _kernel.BindToDevice(near, "lo"),
            KernelCall.PeerCredentials => _kernel.PeerCredentials(near, out _),
            KernelCall.SocketError => _kernel.SocketError(near),
            KernelCall.LocalAddress => _kernel.LocalAddress(near, address),
            KernelCall.PeerAddress => _kernel.PeerAddress(near, address),
            KernelCall.Unlink => _kernel.Unlink("/nowhere/at/all"),
            KernelCall.SetMode => _kernel.SetMode("/nowhere/at/all", UnixFileMode.UserRead),
            KernelCall.SetOwner => _kernel.SetOwner("/nowhere/at/all", -1, -1),
            KernelCall.IsStaleSocket => _kernel.IsStaleSocket("/nowhere/at/all"),
            KernelCall.CreatePoller => _kernel.CreatePoller(out _),
            KernelCall.Add => _pair.Poller.Add(near, FaultyPair.Mine),
            KernelCall.Remove => _pair.Poller.Remove(near),
            KernelCall.Wait => _pair.Poller.Wait(new PollEvent[1], 0),
            KernelCall.Wake => _pair.Poller.Wake(),
            _ => throw new ArgumentOutOfRangeException(nameof(call), call, "A call that the test does not know."),
        };
    }
}
