using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What the page on connecting says is what the code does and what the example prints.</summary>
[TestFixture]
public sealed partial class ConnectingPageTests
{
    private static readonly string _page = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "connecting.md"));

    private static readonly IReadOnlyList<(string Name, int Number, string Outcomes)> _errnos =
    [
        .. ErrnoRow().Matches(_page).Select(static row =>
            (row.Groups["name"].Value, int.Parse(row.Groups["linux"].Value, CultureInfo.InvariantCulture), row.Groups["outcome"].Value)),
    ];

    [Test]
    public void The_numbers_of_the_errnos_are_those_of_the_enum()
    {
        Assert.That(_errnos, Is.Not.Empty);
        var wrong = _errnos.Where(static row => !Enum.TryParse<Errno>(row.Name, out var errno) || (int)errno != row.Number);

        Assert.That(wrong, Is.Empty);
    }

    [Test]
    public void Every_errno_that_the_page_names_is_in_its_table()
    {
        var named = ErrnoName().Matches(_page).Select(static match => match.Value).Distinct(StringComparer.Ordinal);

        Assert.That(named.Except(_errnos.Select(static row => row.Name), StringComparer.Ordinal), Is.Empty);
    }

    [Test]
    public void Every_outcome_is_on_the_page() =>
        Assert.That(Enum.GetNames<ConnectOutcome>().Where(static name => !_page.Contains($"\n| `{name}` | ", StringComparison.Ordinal)), Is.Empty);

    [Test]
    public void The_outcomes_of_an_errno_are_those_that_the_code_gives_it()
    {
        var sorted = _errnos.Where(static row => row.Outcomes.Contains('`', StringComparison.Ordinal)).ToList();
        Assert.That(sorted, Is.Not.Empty);
        using (Assert.EnterMultipleScope())
        {
            foreach (var (name, _, outcomes) in sorted)
            {
                var said = outcomes.Split(", ").Select(static outcome => Enum.Parse<ConnectOutcome>(outcome.Trim('`')));
                Assert.That(said, Is.EquivalentTo(OutcomesOf(Enum.Parse<Errno>(name))), name);
            }
        }
    }

    [Test]
    public void The_errnos_that_are_no_end_go_on()
    {
        var goingOn = _errnos.Where(static row => row.Outcomes.Equals("goes on", StringComparison.Ordinal)).Select(static row => row.Name).ToList();
        var underWay = Enum.GetValues<Errno>().Where(ConnectErrors.IsUnderWay).Select(static errno => errno.Name);

        // The remaining one is not connect's but getpeername's.
        Assert.That(goingOn, Is.EquivalentTo(underWay.Append(nameof(Errno.ENOTCONN))));
    }

    [Test]
    public async Task The_table_of_the_four_ways_is_what_the_example_prints()
    {
        var table = WaysTable().Match(_page);
        Assert.That(table.Success, Is.True, "There is no table of the ways.");

        Assert.That(await RunExampleAsync().Within(), Is.EqualTo(table.Value));
    }

    private static IEnumerable<ConnectOutcome> OutcomesOf(Errno errno) =>
        from family in (AddressFamily[])[AddressFamily.InterNetwork, AddressFamily.Unix]
        from isImmediate in (bool[])[true, false]
        group errno by ConnectErrors.Classify(errno, family, isImmediate) into outcome
        select outcome.Key;

    private static async Task<string> RunExampleAsync()
    {
        using var process = BuiltExample.Start("FourWaysToTell");
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.That(process.ExitCode, Is.Zero);
        return output;
    }

    [GeneratedRegex(@"^\| `(?<name>E[A-Z0-9]+)` \| (?<linux>\d+) \| \d+ \| (?<outcome>[^|]+) \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex ErrnoRow();

    // ERR is the name of an event, and the shortest errno that a connect meets is longer.
    [GeneratedRegex(@"\bE[A-Z0-9]{4,}\b", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex ErrnoName();

    [GeneratedRegex(@"^\|  \| the poller says \|.*\n(\|.*\n)+", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex WaysTable();
}
