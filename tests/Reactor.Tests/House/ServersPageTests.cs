using System.Globalization;
using System.Net;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What the page on servers says is what the code has, and its examples run to their end.</summary>
[TestFixture]
public sealed partial class ServersPageTests
{
    private const int SIGTERM = 15;

    /// <summary>Options that say how a listener listens and limit nothing. A new option is one of these, or it is on the page.</summary>
    private static readonly string[] _limitNothing =
    [
        nameof(ListenOptions.ReuseAddress), nameof(ListenOptions.ReusePort), nameof(ListenOptions.IPv6Only), nameof(ListenOptions.FastOpenBacklog),
        nameof(ListenOptions.FileMode), nameof(ListenOptions.FileOwner), nameof(ListenOptions.FileGroup),
        nameof(ConnectionOptions.NoDelay), nameof(ConnectionOptions.TypeOfService), nameof(ConnectionOptions.DontRoute),
        nameof(ConnectionOptions.Device), nameof(ConnectionOptions.OutOfBandInline), nameof(ConnectionOptions.SendLowWatermark),
    ];

    /// <summary>Counters of what goes on every day.</summary>
    private static readonly string[] _countNoLimit =
    [
        nameof(EventLoopCounters.Turns), nameof(EventLoopCounters.Connections), nameof(EventLoopCounters.Registrations),
        nameof(EventLoopCounters.Timers), nameof(EventLoopCounters.RentedBuffers), nameof(EventLoopCounters.Accepted),
        nameof(EventLoopCounters.Connected), nameof(EventLoopCounters.BytesReceived), nameof(EventLoopCounters.BytesSent),
    ];

    private static readonly string _page = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "servers.md"));

    /// <summary>Option, default, what happens, reason, counter, event.</summary>
    private static readonly IReadOnlyList<string[]> _limits = TableOf("The limits");

    [Test]
    public void Every_reason_of_a_close_is_on_the_page_and_no_other() =>
        Assert.That(TableOf("Why a connection ended").SelectMany(static row => NamesIn(row[0])), Is.EqualTo(Enum.GetNames<CloseReason>()));

    [Test]
    public void Every_option_that_limits_is_in_the_table_and_no_other()
    {
        var named = _limits.SelectMany(static row => NamesIn(row[0])).Where(static name => !name.Contains('.', StringComparison.Ordinal)).ToList();
        var options = typeof(ListenOptions).GetProperties().Select(static option => option.Name).ToList();

        Assert.That(_limitNothing, Is.SubsetOf(options));
        Assert.That(named, Is.EquivalentTo(options.Except(_limitNothing, StringComparer.Ordinal)));
    }

    [Test]
    public void What_the_table_says_is_off_unless_set_is_off()
    {
        var defaults = new ListenOptions();
        foreach (var row in _limits.Where(static row => row[1] is "none" or "never" or "off"))
        {
            foreach (var option in NamesIn(row[0]))
            {
                var value = typeof(ListenOptions).GetProperty(option)!.GetValue(defaults);
                Assert.That(value, row[1] switch
                {
                    "none" => Is.EqualTo(int.MaxValue),
                    "never" => Is.EqualTo(Timeout.InfiniteTimeSpan),
                    _ => Is.Null,
                }, option);
            }
        }

        Assert.Multiple(() =>
        {
            Assert.That(DefaultOf(nameof(ListenOptions.Backlog)), Is.EqualTo($"{defaults.Backlog:N0}"));
            Assert.That(DefaultOf(nameof(ListenOptions.SendHighWatermark)), Is.EqualTo($"{defaults.SendHighWatermark / 1024} KiB"));
            Assert.That(DefaultOf(nameof(ListenOptions.CloseTimeout)), Is.EqualTo($"{defaults.CloseTimeout.TotalSeconds} s"));
            Assert.That(DefaultOf("EventLoopOptions.ShutdownTimeout"), Is.EqualTo($"{new EventLoopOptions().ShutdownTimeout.TotalSeconds} s"));
        });
    }

    [Test]
    public void The_reasons_in_the_table_are_those_that_count_as_limits()
    {
        var named = _limits.SelectMany(static row => NamesIn(row[3])).Select(static name => Enum.TryParse<CloseReason>(name, out var reason) ? reason : default);

        Assert.That(named.Where(static reason => reason.IsLimit).Distinct(), Is.EquivalentTo(Enum.GetValues<CloseReason>().Where(static reason => reason.IsLimit)));
    }

    [Test]
    public void Every_counter_in_the_table_exists_and_every_one_of_a_limit_is_on_the_page()
    {
        var counters = typeof(EventLoopCounters).GetProperties().Select(static counter => counter.Name).ToList();

        // One of them is the kernel's.
        Assert.That(_limits.SelectMany(static row => NamesIn(row[4])).Except(["ListenOverflows"], StringComparer.Ordinal), Is.SubsetOf(counters));
        Assert.That(counters.Except(_countNoLimit, StringComparer.Ordinal).Where(static counter => !_page.Contains($"`{counter}`", StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void The_events_in_the_table_exist_and_are_of_the_level_that_the_page_says()
    {
        var levels = typeof(LoopLog).GetMethods(BindingFlags.Static | BindingFlags.NonPublic)
            .Select(static method => method.GetCustomAttribute<LoggerMessageAttribute>())
            .Where(static message => message is not null)
            .ToDictionary(static message => message!.EventId, static message => message!.Level);
        var events = _limits.SelectMany(static row => row[5].Split(", ", StringSplitOptions.RemoveEmptyEntries)).Select(static id => int.Parse(id, CultureInfo.InvariantCulture)).ToList();

        Assert.That(events, Is.Not.Empty);
        foreach (var id in events)
            Assert.That(levels[id], Is.EqualTo(id is 3 or 10 or 11 ? LogLevel.Warning : LogLevel.Debug), $"event {id}");
    }

    [Test]
    public void The_settings_on_the_page_are_those_of_the_example()
    {
        var settings = Code().Match(_page).Groups["code"].Value;

        Assert.That(settings, Does.StartWith("var limits = new ListenOptions"));
        Assert.That(File.ReadAllText(Path.Combine(SourceTree.Root, "examples", "DrainingServer", "Program.cs")), Does.Contain(settings));
    }

    [Test]
    public async Task The_account_of_the_urgent_byte_is_what_the_example_prints()
    {
        using var example = BuiltExample.Start("UrgentByte");
        var output = await example.StandardOutput.ReadToEndAsync().Within();
        await example.WaitForExitAsync().Within();

        Assert.That(example.ExitCode, Is.Zero);
        Assert.That(output, Is.EqualTo(Account().Match(_page).Groups["account"].Value));
    }

    [Test]
    public async Task The_draining_server_serves_lines_and_drains_on_SIGTERM()
    {
        using var example = BuiltExample.Start("DrainingServer", "0");
        var log = example.StandardError.ReadToEndAsync();
        var listening = Listening().Match(await example.StandardOutput.ReadLineAsync().Within() ?? "");
        Assert.That(listening.Success, Is.True);

        using (var client = RawPeer.Dial(IPEndPoint.Parse(listening.Groups["address"].Value)))
        {
            client.Send("hello\nand half a li");
            Assert.That(client.ReadText("hello\n".Length), Is.EqualTo("hello\n"));

            Assert.That(kill(example.Id, SIGTERM), Is.Zero);
            Assert.That(client.EndsInOrder(), Is.True);
        }

        var output = await example.StandardOutput.ReadToEndAsync().Within();
        await example.WaitForExitAsync().Within();

        Assert.That(example.ExitCode, Is.Zero);
        Assert.That(output, Does.Contain("1 accepted; at the end 1 drained, 0 aborted, 0 connects cancelled."));
        Assert.That(await log.Within(), Does.Contain("Debug 4: "));
    }

    private static string DefaultOf(string option) => _limits.Single(row => row[0].Equals($"`{option}`", StringComparison.Ordinal))[1];

    // Whatever is in back-ticks.
    private static IEnumerable<string> NamesIn(string cell) => Name().Matches(cell).Select(static match => match.Groups["name"].Value);

    private static List<string[]> TableOf(string heading)
    {
        var section = _page[_page.IndexOf($"## {heading}\n", StringComparison.Ordinal)..];
        return
        [
            .. section.Split('\n')
                .SkipWhile(static line => !line.StartsWith("| ---", StringComparison.Ordinal))
                .Skip(1)
                .TakeWhile(static line => line.StartsWith('|'))
                .Select(static line => line[1..^1].Split('|', StringSplitOptions.TrimEntries)),
        ];
    }

    [LibraryImport("libc")]
    private static partial int kill(int process, int signal);

    [GeneratedRegex("`(?<name>[^`]+)`", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex Name();

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex Code();

    [GeneratedRegex("```\n(?<account>client: .*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex Account();

    [GeneratedRegex(@"^Listening on (?<address>[0-9.:]+)\. ", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex Listening();
}
