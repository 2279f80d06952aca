namespace Reactor.Tests;

/// <summary>What a <see cref="Fault"/> and <see cref="FaultRates"/> take and refuse, and that a seed says all.</summary>
[TestFixture]
public sealed class FaultValuesTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static IEnumerable<Fault> Nonsense =>
    [
        new() { Call = KernelCall.Receive },
        new() { Call = (KernelCall)1000, Errno = Errno.EIO },
        new() { Call = KernelCall.Receive, Errno = (Errno)(-5) },
        new() { Call = KernelCall.Receive, Errno = Errno.EIO, AtMostBytes = 1 },
        new() { Call = KernelCall.Wait, Errno = Errno.EINTR, Spurious = Readiness.Readable },
        new() { Call = KernelCall.Accept, AtMostBytes = 1 },
        new() { Call = KernelCall.SendUrgent, AtMostBytes = 1 },
        new() { Call = KernelCall.Receive, Spurious = Readiness.Readable },
        new() { Call = KernelCall.Socket, Delay = Second },
        new() { Call = KernelCall.Close, Delay = Second },
        new() { Call = KernelCall.SetOption, Errno = Errno.EIO, Delay = Second },
        new() { Call = KernelCall.Receive, Errno = Errno.ECONNRESET, Delay = Second },
        new() { Call = KernelCall.Connect, Errno = Errno.ECONNREFUSED, Delay = Second },
        new() { Call = KernelCall.Connect, Errno = Errno.EISCONN, Delay = Second },
        new() { Call = KernelCall.Wait, Errno = Errno.EINTR, Delay = Second },
        new() { Call = KernelCall.Wait, Spurious = Readiness.Readable, Delay = Second },
        new() { Call = KernelCall.Wait, Descriptor = 3, Errno = Errno.EINTR },
        new() { Call = KernelCall.Socket, Descriptor = 3, Errno = Errno.EMFILE },
        new() { Call = KernelCall.Unlink, Descriptor = 3, Errno = Errno.EACCES },
        new() { Call = KernelCall.Wake, Descriptor = 3, Errno = Errno.EINTR },
    ];

    private static IEnumerable<Fault> Sense =>
    [
        new() { Call = KernelCall.Close, Errno = Errno.EIO },
        new() { Call = KernelCall.Receive, Errno = Errno.EAGAIN, Delay = Second },
        new() { Call = KernelCall.Send, AtMostBytes = 1, Delay = Second },
        new() { Call = KernelCall.Connect, Errno = Errno.EINTR, Delay = Second },
        new() { Call = KernelCall.Accept, Delay = Second, Descriptor = 3 },
        new() { Call = KernelCall.Wait, Delay = Second, Descriptor = 3 },
        new() { Call = KernelCall.Wait, Spurious = Readiness.Error, Descriptor = 3 },
    ];

    [TestCaseSource(nameof(Nonsense))]
    public void What_no_kernel_could_do_is_refused_with_the_reason(Fault fault)
    {
        var refused = Assert.Throws<ArgumentException>(() => new FaultyKernel().Inject(fault));

        Assert.That(refused!.ParamName, Is.EqualTo("fault"));
        Assert.That(refused.Message, Is.Not.Empty);
    }

    [TestCaseSource(nameof(Sense))]
    public void What_a_kernel_could_do_is_taken(Fault fault) => Assert.That(() => new FaultyKernel().Inject(fault), Throws.Nothing);

    [Test]
    public void Values_out_of_range_are_refused()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => new Fault { Call = KernelCall.Send, First = 0 }, Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(() => new Fault { Call = KernelCall.Send, Times = 0 }, Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(() => new Fault { Call = KernelCall.Send, Descriptor = -1 }, Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(() => new Fault { Call = KernelCall.Send, AtMostBytes = 0 }, Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(() => new Fault { Call = KernelCall.Send, Delay = -Second }, Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(() => new FaultRates(1) { LongestDelay = TimeSpan.Zero }, Throws.TypeOf<ArgumentOutOfRangeException>());
        }
    }

    [TestCase(-0.1)]
    [TestCase(1.1)]
    [TestCase(double.NaN)]
    [TestCase(double.PositiveInfinity)]
    public void A_rate_is_a_probability(double rate)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => new FaultRates(1) { Interrupted = rate }, Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(() => new FaultRates(1) { CutShort = rate }, Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(() => new FaultRates(1) { Late = rate }, Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(() => new FaultRates(1) { Spurious = rate }, Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(() => new FaultRates(1) { Fails = rate }, Throws.TypeOf<ArgumentOutOfRangeException>());
        }
    }

    [Test]
    public void The_same_seed_gives_the_same_faults_and_another_seed_others()
    {
        var rates = new FaultRates(Seed: 20) { Interrupted = 0.1, CutShort = 0.2, Late = 0.1, Spurious = 0.2, Fails = 0.1 };

        var first = AnswersWith(rates);

        Assert.That(AnswersWith(rates), Is.EqualTo(first));
        Assert.That(AnswersWith(rates with { Seed = 21 }), Is.Not.EqualTo(first));
    }

    [Test]
    public void A_rate_of_zero_is_never_and_of_one_always()
    {
        using var pair = new FaultyPair();
        pair.Kernel.Rates = new FaultRates(Seed: 1);
        for (var i = 0; i < 100; i++)
            Assert.That(pair.Kernel.Send(pair.Near, "ab"u8), Is.EqualTo(2));
        Assert.That(pair.Kernel.Faults, Is.Zero);

        pair.Kernel.Rates = new FaultRates(Seed: 1) { CutShort = 1 };
        for (var i = 0; i < 100; i++)
            Assert.That(pair.Kernel.Send(pair.Near, "ab"u8), Is.EqualTo(1));
    }

    [Test]
    public void What_fails_by_chance_fails_as_it_would_for_want_of_something()
    {
        var kernel = new FaultyKernel { Rates = new FaultRates(Seed: 3) { Fails = 1 } };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(-kernel.Socket(System.Net.Sockets.AddressFamily.InterNetwork), Is.AnyOf((int)Errno.EMFILE, (int)Errno.ENFILE, (int)Errno.ENOBUFS, (int)Errno.ENOMEM));
            Assert.That(kernel.CreatePoller(out var poller), Is.Negative);
            Assert.That(poller, Is.Null);
        }
    }

    private static List<int> AnswersWith(FaultRates rates)
    {
        using var pair = new FaultyPair();
        pair.Kernel.Rates = rates;
        var answers = new List<int>();
        var events = new PollEvent[8];
        for (var i = 0; i < 200; i++)
        {
            answers.Add(pair.Kernel.Send(pair.Near, "0123456789"u8));
            answers.Add(pair.Poller.Wait(events, 0) < 0 ? 1 : 0);

            // What is late is over for the next round.
            pair.Clock.Jump(FaultyPair.Hour);
        }

        return answers;
    }
}
