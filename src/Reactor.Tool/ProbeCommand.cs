using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Reactor.Tool;

/// <summary><c>reactor probe</c>: dials once and tells which of the outcomes it was, and what that means.</summary>
internal static class ProbeCommand
{
    private static readonly ConnectOptions _defaults = new();

    private static readonly Argument<EndPoint> _target = new("HOST:PORT")
    {
        Description = $"What to dial: {AddressArgument.Forms}.",
        CustomParser = AddressArgument.Parse,
    };

    private static readonly Option<TimeSpan?> _timeout = NumberOption.Seconds("--timeout", $"How long to wait for each address ({_defaults.ConnectTimeout.TotalSeconds}).");

    private static readonly Option<IPEndPoint?> _source = new("--source")
    {
        Description = "The local address to dial from, with or without a port.",
        HelpName = "ADDR",
        CustomParser = ParseSource,
    };

    private static readonly Option<bool> _ipv4 = new("-4") { Description = "Dials only IPv4 addresses." };
    private static readonly Option<bool> _ipv6 = new("-6") { Description = "Dials only IPv6 addresses." };
    private static readonly JsonOption _json = new();

    public static Command Create()
    {
        var command = new Command("probe", "Dials an address and tells how that ended, and what it means on the wire.")
        {
            _target, _timeout, _source, _ipv4, _ipv6, _json,
        };
        command.Validators.Add(Validate);
        command.SetAction(static (parse, _) => RunAsync(parse));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parse)
    {
        using var stop = new StopSignal();
        var report = await ProbeAsync(parse, stop.Token);

        if (!_json.ReplacesText(parse))
            Print(report);
        await _json.WriteAsync(parse, report, ToolJson.Default.ProbeReport);
        return report.Outcome switch
        {
            ConnectOutcome.Connected => ExitCode.Well,
            ConnectOutcome.Canceled => ExitCode.Interrupted,
            _ => ExitCode.DidNotHold,
        };
    }

    private static async Task<ProbeReport> ProbeAsync(ParseResult parse, CancellationToken stop)
    {
        var source = parse.GetValue(_source);
        var target = parse.GetRequiredValue(_target);
        var connect = new ConnectOptions { LocalEndPoints = source is null ? [] : [source], ConnectTimeout = parse.GetValue(_timeout) ?? _defaults.ConnectTimeout };

        await using var loop = EventLoop.Start(new EventLoopOptions { Name = "probe", Connect = connect });
        await WarmUpAsync(loop);
        var name = AddressArgument.Format(target);
        var started = Stopwatch.GetTimestamp();
        IReadOnlyList<EndPoint> addresses;
        try
        {
            addresses = await Names.ResolveAsync(target, FamilyOf(parse, source), connect.ConnectTimeout, stop);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return Unresolved(name, e, Stopwatch.GetElapsedTime(started));
        }
        return await TryEachAsync(loop, name, addresses, stop);
    }

    // The first dial of a process pays for the compilation of dialling: ten milliseconds that are not the network's.
    private static async Task WarmUpAsync(EventLoop loop)
    {
        var connector = new Connector(loop);
        try
        {
            var listener = await loop.ListenAsync(new IPEndPoint(IPAddress.Loopback, 0), Handlers.Discard);
            await using (listener)
            {
                await using var connected = (await connector.TryConnectAsync(listener.LocalEndPoint)).Connection;
            }
            // Nobody listens there any more, so that being refused is learnt as well.
            await using var unexpected = (await connector.TryConnectAsync(listener.LocalEndPoint)).Connection;
        }
        catch (ListenException)
        {
            // Without a loopback or a descriptor the probe has more to tell than this.
        }
    }

    // Each address is dialled by itself, the others' answers notwithstanding: a race would hide what it did not wait for.
    private static async Task<ProbeReport> TryEachAsync(EventLoop loop, string name, IReadOnlyList<EndPoint> addresses, CancellationToken stop)
    {
        var attempts = new List<ProbeAttempt>(addresses.Count);
        foreach (var address in addresses)
        {
            var result = await loop.TryConnectAsync(address, stop);
            attempts.AddRange(result.Attempts.Select(attempt => ProbeAttempt.Of(name, attempt)));
            if (result.Connection is { } connection)
                await connection.CloseAsync();
            if (result.Outcome == ConnectOutcome.Canceled)
                break;
        }
        // One that connects is enough to connect to the name; otherwise the last one's failure is what a caller sees.
        return ProbeReport.Of(attempts.Find(static attempt => attempt.Outcome == ConnectOutcome.Connected) ?? attempts[^1], attempts);
    }

    private static ProbeReport Unresolved(string name, Exception e, TimeSpan elapsed)
    {
        var (outcome, meaning) = e switch
        {
            OperationCanceledException => (ConnectOutcome.Canceled, "It was stopped before the name was resolved."),
            SocketException { SocketErrorCode: SocketError.TryAgain } =>
                (ConnectOutcome.ResolveFailed, "The name server did not answer or could not tell, so nothing was sent to the target."),
            _ => (ConnectOutcome.ResolveFailed, "The name has no address, or none of the family asked for, so nothing was sent to the target."),
        };
        return new ProbeReport { Target = name, Outcome = outcome, ElapsedMs = elapsed.TotalMilliseconds, Meaning = meaning, Attempts = [] };
    }

    private static void Print(ProbeReport report)
    {
        foreach (var attempt in report.Attempts.Count > 0 ? report.Attempts : [report])
        {
            var errno = attempt.Errno is null ? "" : $" ({attempt.Errno} from {attempt.Syscall})";
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{attempt.Address ?? attempt.Target}: {Words(attempt.Outcome)}{errno} after {attempt.ElapsedMs:0.###} ms"));
            Console.Out.WriteLine($"  {attempt.Meaning}");
        }
    }

    private static string Words(ConnectOutcome outcome) => outcome switch
    {
        ConnectOutcome.Connected => "connected",
        ConnectOutcome.Refused => "refused",
        ConnectOutcome.TimedOut => "timed out",
        ConnectOutcome.Unreachable => "unreachable",
        ConnectOutcome.AddressUnavailable => "address unavailable",
        ConnectOutcome.Canceled => "canceled",
        ConnectOutcome.ResolveFailed => "not resolved",
        _ => "failed",
    };

    private static AddressFamily FamilyOf(ParseResult parse, IPEndPoint? source) =>
        parse.GetValue(_ipv4) ? AddressFamily.InterNetwork
        : parse.GetValue(_ipv6) ? AddressFamily.InterNetworkV6
        : source?.AddressFamily ?? AddressFamily.Unspecified;

    private static IPEndPoint? ParseSource(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (IPEndPoint.TryParse(text, out var source))
            return source;
        result.AddError($"'{text}' is no local address: it is an IP address, with or without a port.");
        return null;
    }

    private static void Validate(CommandResult result)
    {
        var (only4, only6) = (result.GetValue(_ipv4), result.GetValue(_ipv6));
        if (only4 && only6)
            result.AddError("-4 and -6 exclude each other.");
        else if ((only4 || only6) && result.GetResult(_target) is { } given && !given.Errors.Any()
            && given.GetValueOrDefault<EndPoint>() is not (null or DnsEndPoint) and var target
            && target.AddressFamily != (only4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6))
            result.AddError($"{AddressArgument.Format(target)} is no address of the family that {(only4 ? "-4" : "-6")} asks for.");
    }
}
