using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Reactor.Load;

namespace Reactor.Tool;

/// <summary><c>reactor load</c>: opens thousands of connections, talks on each, and checks every reply.</summary>
internal static class LoadCommand
{
    private static readonly LoadPlan _defaults = new() { Target = LoadTarget.OwnAddress };

    private static readonly Argument<EndPoint?> _address = new("ADDR")
    {
        Description = $"What to dial: {AddressArgument.Forms}. Without it, an uppercase server is started in this process.",
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = AddressArgument.Parse,
    };

    private static readonly Option<int?> _connections = NumberOption.Count(
        "--connections", $"How many connections to open and to hold open together ({_defaults.Connections}).");

    private static readonly Option<int?> _inFlight = NumberOption.Count(
        "--in-flight", $"How many connects may be under way at once ({_defaults.InFlight}).");

    private static readonly Option<string> _message = new("--message")
    {
        Description = "What to send; a line feed is added.",
        HelpName = "TEXT",
        DefaultValueFactory = static _ => "hello",
    };

    private static readonly Option<int?> _repeat = NumberOption.Count(
        "--repeat", $"How often to send it on each connection ({_defaults.Repeat}).");

    private static readonly Option<ReplyExpectation?> _expect = new("--expect")
    {
        Description = "What the server is to answer: echo, uppercase or none (uppercase).",
        HelpName = "echo|uppercase|none",
        CustomParser = ParseExpectation,
    };

    private static readonly Option<TimeSpan?> _duration = NumberOption.Seconds(
        "--duration", "Goes on sending until so long after the last connect, instead of --repeat.");

    private static readonly Option<double?> _rate = NumberOption.Rate(
        "--rate", "How many connects to start a second, evenly spread.");

    private static readonly JsonOption _json = new();

    public static Command Create()
    {
        var command = new Command("load", "Opens thousands of connections, talks on each, and checks every reply.")
        {
            _address, _connections, _inFlight, _message, _repeat, _expect, _duration, _rate, _json,
        };
        command.Validators.Add(Validate);
        command.SetAction(static (parse, _) => RunAsync(parse));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parse)
    {
        using var stop = new StopSignal();
        var address = parse.GetValue(_address);
        var connections = parse.GetValue(_connections) ?? _defaults.Connections;
        if (DescriptorNeed.Refusal(DescriptorLimit.Raise(), connections, ownServer: address is null) is { } refusal)
        {
            Terminal.Log($"{refusal}");
            return ExitCode.UsageError;
        }

        try
        {
            await using var target = address is null
                ? await LoadTarget.StartOwnAsync()
                : await LoadTarget.FindAsync(address, stop.Token);
            var report = await LoadAsync(PlanOf(parse, target), stop.Token);
            if (!_json.ReplacesText(parse))
                LoadReportText.Print(report);
            await _json.WriteAsync(parse, report, ToolJson.Default.LoadReport);
            return report switch
            {
                { Interrupted: true } => ExitCode.Interrupted,
                { Succeeded: true } => ExitCode.Well,
                _ => ExitCode.DidNotHold,
            };
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (SocketException e)
        {
            Terminal.Log($"{(address is null ? "The server could not be started" : AddressArgument.Format(address))}: {e.Message}");
            return ExitCode.DidNotHold;
        }
    }

    private static async Task<LoadReport> LoadAsync(LoadPlan plan, CancellationToken stop)
    {
        await using var loop = EventLoop.Start(new EventLoopOptions { Name = "load" });
        var run = new LoadRun(loop, plan);
        var report = run.RunAsync(stop);
        if (Terminal.CreateProgress() is { } terminal)
            await LoadProgressBar.ShowAsync(terminal, run, report);
        return await report;
    }

    private static LoadPlan PlanOf(ParseResult parse, LoadTarget target) => new()
    {
        Target = target.EndPoint,
        TargetName = target.Name,
        Connections = parse.GetValue(_connections) ?? _defaults.Connections,
        InFlight = parse.GetValue(_inFlight) ?? _defaults.InFlight,
        Message = Encoding.UTF8.GetBytes(parse.GetValue(_message) + "\n"),
        Repeat = parse.GetValue(_repeat) ?? _defaults.Repeat,
        Expect = parse.GetValue(_expect) ?? _defaults.Expect,
        Duration = parse.GetValue(_duration),
        ConnectsPerSecond = parse.GetValue(_rate),
    };

    private static ReplyExpectation? ParseExpectation(ArgumentResult result)
    {
        switch (result.Tokens[0].Value)
        {
            case "uppercase":
                return ReplyExpectation.Uppercase;
            case "echo":
                return ReplyExpectation.Echo;
            case "none":
                return ReplyExpectation.None;
            case var other:
                result.AddError($"'{other}' is no expectation: it is echo, uppercase or none.");
                return null;
        }
    }

    private static void Validate(CommandResult result)
    {
        if (result.GetValue(_message) is { } message && Encoding.UTF8.GetByteCount(message) >= LoadPlan.LongestMessage)
            result.AddError($"A message has at most {LoadPlan.LongestMessage} bytes, its line feed among them.");
        if (result.GetResult(_duration) is not null && result.GetResult(_repeat) is not null)
            result.AddError("--duration takes the place of --repeat: give one of them.");
    }
}
