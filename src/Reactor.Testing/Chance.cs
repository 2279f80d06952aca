namespace Reactor.Testing;

/// <summary>Faults drawn from a seed.</summary>
/// <param name="rates">How often.</param>
internal sealed class Chance(FaultRates rates)
{
    // Every bit of Readiness.
    private const int AnyReadiness = 0b11_1111;

#pragma warning disable CA5394 // Faults are no secrets: the same seed must give the same ones.
    private readonly Random _random = new(rates.Seed);

    internal FaultRates Rates => rates;

    /// <summary>What happens to a call that could move so many bytes.</summary>
    internal Verdict Next(KernelCall call, int length)
    {
        if (call.CanBeInterrupted && Hits(rates.Interrupted)) return new Verdict { Errno = Errno.EINTR };
        if (call.Awaited != Readiness.None && Hits(rates.Late)) return new Verdict { Errno = Verdict.MustWait(call), Delay = SomeDelay() };
        if (call.CanBeShort && length > 1 && Hits(rates.CutShort)) return new Verdict { AtMostBytes = _random.Next(1, length) };
        if (call == KernelCall.Wait && Hits(rates.Spurious))
        {
            return new Verdict { Spurious = (Readiness)_random.Next(1, AnyReadiness + 1), Place = _random.NextDouble() };
        }

        var errors = ErrorsOf(call);
        return errors.Length > 0 && Hits(rates.Fails) ? new Verdict { Errno = errors[_random.Next(errors.Length)] } : default;
    }

    /// <summary>By how much the next event is late; zero as a rule.</summary>
    internal TimeSpan NextEvent() => Hits(rates.Late) ? SomeDelay() : TimeSpan.Zero;

    private static ReadOnlySpan<Errno> ErrorsOf(KernelCall call) => call switch
    {
        KernelCall.Socket => [Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM],
        KernelCall.Bind => [Errno.EADDRINUSE, Errno.EADDRNOTAVAIL, Errno.EACCES],
        KernelCall.Listen => [Errno.EADDRINUSE],
        KernelCall.Accept => [Errno.ECONNABORTED, Errno.EPROTO, Errno.EPERM, Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM],
        KernelCall.Connect => [Errno.EADDRNOTAVAIL, Errno.ECONNREFUSED, Errno.EHOSTUNREACH, Errno.ENETUNREACH, Errno.ETIMEDOUT],
        KernelCall.Receive => [Errno.ECONNRESET, Errno.ETIMEDOUT, Errno.EHOSTUNREACH],
        KernelCall.Send or KernelCall.Gather or KernelCall.SendUrgent => [Errno.ECONNRESET, Errno.EPIPE, Errno.ETIMEDOUT, Errno.ENOBUFS],
        KernelCall.SetOption => [Errno.ENOMEM],
        KernelCall.BindToDevice => [Errno.ENODEV, Errno.EPERM],
        KernelCall.SocketError => [Errno.ETIMEDOUT, Errno.EHOSTUNREACH],
        KernelCall.LocalAddress or KernelCall.PeerAddress => [Errno.ENOBUFS],
        KernelCall.SetMode or KernelCall.SetOwner => [Errno.EPERM, Errno.EROFS],
        KernelCall.IsStaleSocket => [Errno.EACCES],
        KernelCall.Close => [Errno.EIO],
        KernelCall.CreatePoller => [Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM],
        KernelCall.Add => [Errno.ENOMEM, Errno.ENOSPC],
        _ => [],
    };

    private bool Hits(double rate) => rate > 0 && _random.NextDouble() < rate;

    private TimeSpan SomeDelay() => rates.LongestDelay * (1 - _random.NextDouble());
#pragma warning restore CA5394
}
