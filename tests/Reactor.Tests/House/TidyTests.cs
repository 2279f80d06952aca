using System.Text.RegularExpressions;

namespace Reactor.Tests;

/// <summary>The house is tidy.</summary>
[TestFixture]
public sealed partial class TidyTests
{
    private const int MostLines = 400;

    private static readonly string[] Everywhere = ["src", "tests", "examples", "perf"];

    [Test]
    public void No_file_of_the_sources_is_longer_than_one_thing_needs()
    {
        // A list of names is long by nature.
        var tooLong = SourceTree.CSharpFilesIn("src")
            .Where(static file => !Path.GetFileName(file).Equals("Errno.cs", StringComparison.Ordinal))
            .Where(static file => File.ReadLines(file).Count() > MostLines)
            .Select(SourceTree.Relative);

        Assert.That(tooLong, Is.Empty);
    }

    [Test]
    public void Nothing_is_left_to_do_or_commented_out()
    {
        var leftOvers = SourceTree.CSharpFilesIn(Everywhere)
            .SelectMany(static file => File.ReadLines(file).Select((line, index) => (file, index, line)))
            .Where(static entry => LeftOver().IsMatch(entry.line))
            .Select(static entry => $"{SourceTree.Relative(entry.file)}:{entry.index + 1}: {entry.line.Trim()}");

        Assert.That(leftOvers, Is.Empty);
    }

    [Test]
    public void Lines_end_without_blanks_and_files_with_one_newline()
    {
        var untidy = SourceTree.CSharpFilesIn(Everywhere)
            .Where(static file =>
            {
                var text = File.ReadAllText(file);
                return text.Contains('\r') || text.Contains('\t') || text.Contains(" \n", StringComparison.Ordinal)
                    || !text.EndsWith('\n') || text.EndsWith("\n\n", StringComparison.Ordinal);
            })
            .Select(SourceTree.Relative);

        Assert.That(untidy, Is.Empty);
    }

    [Test]
    public void The_files_that_the_tour_of_the_architecture_names_exist()
    {
        var page = Path.Combine(SourceTree.Root, "docs", "architecture.md");
        Assert.That(page, Does.Exist);
        var named = FileName().Matches(File.ReadAllText(page)).Select(static match => match.Groups["file"].Value).Distinct(StringComparer.Ordinal).ToList();
        var existing = SourceTree.CSharpFilesIn(Everywhere).Select(SourceTree.Relative).ToList();

        Assert.That(named, Is.Not.Empty);
        var missing = named.Where(name => !existing.Any(file => file.Equals(name, StringComparison.Ordinal) || file.EndsWith("/" + name, StringComparison.Ordinal)));
        Assert.That(missing, Is.Empty);
    }

    [Test]
    public void The_tests_of_this_project_wait_for_conditions_and_never_sleep()
    {
        var sleeping = SourceTree.CSharpFilesIn("tests")
            .Where(static file => Path.GetFileName(file) is not ("Until.cs" or "TidyTests.cs"))
            .Where(static file => File.ReadAllText(file).Contains("Thread.Sleep(", StringComparison.Ordinal))
            .Select(SourceTree.Relative);

        Assert.That(sleeping, Is.Empty);
    }

    // A comment that ends as a statement does, or that begins as one, is code that somebody could not part with.
    [GeneratedRegex(@"//.*\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b|^\s*//\s*(var |return\b.*;$|await |if \(|for \(|foreach \(|using var |else\b|\}|.*\);$|.*= .*;$)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex LeftOver();

    [GeneratedRegex(@"`(?<file>[A-Za-z0-9_./]+\.cs)`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex FileName();
}
