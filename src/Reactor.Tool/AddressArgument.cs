using System.CommandLine.Parsing;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Reactor.Tool;

/// <summary>The addresses that the command line takes, and how they are written.</summary>
internal static class AddressArgument
{
    public const string Forms = "host:port, [v6]:port, unix:/path or unix:@abstract";

    private const string UnixPrefix = "unix:";

    /// <summary>Reads one address for a parser, and tells it what is wrong with a bad one.</summary>
    public static EndPoint? Parse(ArgumentResult result) => ParseAll(result).SingleOrDefault();

    /// <summary>Reads all addresses of an option that may be given several times.</summary>
    public static EndPoint[] ParseAll(ArgumentResult result)
    {
        var endPoints = new List<EndPoint>(result.Tokens.Count);
        foreach (var token in result.Tokens)
        {
            if (token.Value.StartsWith("--", StringComparison.Ordinal))
                result.AddError($"There is no option '{token.Value}'.");
            else if (TryParse(token.Value, out var endPoint, out var problem))
                endPoints.Add(endPoint);
            else
                result.AddError($"'{token.Value}' is no address: {problem}. An address is {Forms}.");
        }
        return [.. endPoints];
    }

    /// <summary>Reads an address, or tells what is wrong with it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out EndPoint? endPoint, [NotNullWhen(false)] out string? problem)
    {
        endPoint = null;
        problem = text.StartsWith(UnixPrefix, StringComparison.Ordinal)
            ? ParseUnix(text[UnixPrefix.Length..], ref endPoint)
            : ParseHostAndPort(text, ref endPoint);
        return endPoint is not null;
    }

    /// <summary>Writes an end point in the form in which it can be given.</summary>
    public static string Format(EndPoint endPoint) => endPoint switch
    {
        UnixDomainSocketEndPoint unix => UnixPrefix + unix,
        DnsEndPoint name => string.Create(CultureInfo.InvariantCulture, $"{name.Host}:{name.Port}"),
        _ => endPoint.ToString() ?? "",
    };

    private static string? ParseUnix(string path, ref EndPoint? endPoint)
    {
        if (path is ['@', _, ..])
            path = '\0' + path[1..];
        else if (!path.StartsWith('/'))
            return "after 'unix:' comes a path from the root, or '@' and a name";

        try
        {
            endPoint = new UnixDomainSocketEndPoint(path);
            return null;
        }
        catch (ArgumentOutOfRangeException)
        {
            return "the path is longer than a Unix-domain address can be";
        }
    }

    private static string? ParseHostAndPort(string text, ref EndPoint? endPoint)
    {
        var colon = text.LastIndexOf(':');
        if (colon < 0)
            return "there is no port";
        if (!ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            return "a port is a number from 0 to 65535";

        var host = text[..colon];
        if (host is ['[', .. var bracketed, ']'])
        {
            if (!IPAddress.TryParse(bracketed, out var v6) || v6.AddressFamily != AddressFamily.InterNetworkV6)
                return "between the brackets is no IPv6 address";
            if (v6.ScopeId == 0 && bracketed.Split('%') is [_, not "0" and var scope])
                return $"there is no network interface {scope}";
            endPoint = new IPEndPoint(v6, port);
            return null;
        }
        if (host.Contains("//", StringComparison.Ordinal))
            return "it is no URL";
        if (host.Contains(':', StringComparison.Ordinal))
            return "an IPv6 address stands in brackets";
        return ParseHost(host, port, ref endPoint);
    }

    private static string? ParseHost(string host, int port, ref EndPoint? endPoint)
    {
        if (host.Length > 0 && host.All(static letter => char.IsAsciiDigit(letter) || letter == '.'))
        {
            // 127.1 and 1 are addresses to the parser as well; here they are more likely mistakes.
            if (host.Count(static letter => letter == '.') != 3 || !IPAddress.TryParse(host, out var v4))
                return $"'{host}' is no IPv4 address";
            endPoint = new IPEndPoint(v4, port);
            return null;
        }
        // 254 characters are the most that the resolver takes; DNS itself ends a little before (RFC 1035, 2.3.4).
        if (Uri.CheckHostName(host) != UriHostNameType.Dns || host.Length > 254)
            return host.Length == 0 ? "there is no host" : $"'{host}' is no host name";
        endPoint = new DnsEndPoint(host, port);
        return null;
    }
}
