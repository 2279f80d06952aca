using System.Globalization;
using System.Net;

namespace Reactor;

/// <summary>One address that was tried, on a socket of its own.</summary>
public sealed record ConnectAttempt
{
    /// <summary>The address.</summary>
    public required EndPoint EndPoint { get; init; }

    /// <summary>Where it was dialled from: once connected the socket's own address, before that what <see cref="ConnectOptions.LocalEndPoints"/> gave; null when the system was to choose.</summary>
    public EndPoint? LocalEndPoint { get; init; }

    /// <summary>How it ended.</summary>
    public required ConnectOutcome Outcome { get; init; }

    /// <summary>What the system said; <see cref="Errno.None"/> when it said nothing: connected, our own timeout, cancelled.</summary>
    public Errno Errno { get; init; }

    /// <summary>The call that failed, as its man page names it; null when none did. An error that arrives later is <c>connect</c>'s, too: <see cref="IsImmediate"/> tells them apart.</summary>
    public string? Syscall { get; init; }

    /// <summary>Whether the call itself failed, before anything was heard from the network.</summary>
    public bool IsImmediate { get; init; }

    /// <summary>From the making of its socket on.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>One sentence with the call, the errno, the address and the time.</summary>
    public override string ToString()
    {
        var what = Errno == Errno.None ? $"connect {ErrnoText.Describe(EndPoint)}: {Outcome}" : ErrnoText.Describe(Syscall ?? "connect", EndPoint, Errno);
        return string.Create(CultureInfo.InvariantCulture, $"{what}, after {Elapsed.TotalMilliseconds:0.###} ms");
    }
}
