namespace Reactor.Tool.Tests;

/// <summary>Host names for tests.</summary>
internal static class HostNames
{
    /// <summary>A name one byte too long for DNS (RFC 1035, 2.3.4), so that it has no address and no name server is asked.</summary>
    public static string Unresolvable { get; } = string.Join('.', Enumerable.Repeat(new string('a', 63), 3).Append(new string('a', 62)));
}
