using System.Text.Json.Serialization;

namespace Reactor.Tool;

/// <summary>How one address answered.</summary>
internal record ProbeAttempt
{
    /// <summary>What was asked for, as it was given.</summary>
    [JsonPropertyOrder(-6)]
    public required string Target { get; init; }

    /// <summary>The address that was dialled; null when the name has none.</summary>
    [JsonPropertyOrder(-5)]
    public string? Address { get; init; }

    [JsonPropertyOrder(-4)]
    public required ConnectOutcome Outcome { get; init; }

    /// <summary>The errno's name; null when there was none.</summary>
    [JsonPropertyOrder(-3)]
    public string? Errno { get; init; }

    /// <summary>The call that failed; null when none did.</summary>
    [JsonPropertyOrder(-2)]
    public string? Syscall { get; init; }

    [JsonPropertyOrder(-1)]
    public required double ElapsedMs { get; init; }

    /// <summary>What that means on the wire.</summary>
    public required string Meaning { get; init; }

    public static ProbeAttempt Of(string target, ConnectAttempt attempt) => new()
    {
        Target = target,
        Address = AddressArgument.Format(attempt.EndPoint),
        Outcome = attempt.Outcome,
        Errno = attempt.Errno == Reactor.Errno.None ? null : attempt.Errno.Name,
        Syscall = attempt.Syscall,
        ElapsedMs = attempt.Elapsed.TotalMilliseconds,
        Meaning = ProbeMeaning.Of(attempt),
    };
}

/// <summary>What a probe found: the attempt that decided, and all of them.</summary>
internal sealed record ProbeReport : ProbeAttempt
{
    public required IReadOnlyList<ProbeAttempt> Attempts { get; init; }

    public static ProbeReport Of(ProbeAttempt deciding, IReadOnlyList<ProbeAttempt> attempts) => new()
    {
        Target = deciding.Target,
        Address = deciding.Address,
        Outcome = deciding.Outcome,
        Errno = deciding.Errno,
        Syscall = deciding.Syscall,
        ElapsedMs = deciding.ElapsedMs,
        Meaning = deciding.Meaning,
        Attempts = attempts,
    };
}
