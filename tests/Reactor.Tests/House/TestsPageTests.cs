using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using NUnit.Framework.Interfaces;

namespace Reactor.Tests;

/// <summary>The page on tests names tests that exist, for every row, and shows code that runs.</summary>
[TestFixture]
public sealed partial class TestsPageTests
{
    private const int Rows = 54;

    private static readonly string[] _kinds = ["loopback", "namespaces", "faults", "unit"];

    private static readonly string _page = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "tests.md"));

    private static readonly IReadOnlyList<(int Number, string[] Kinds, string[] Tests)> _rows =
    [
        .. Row().Matches(_page).Select(static row => (
            int.Parse(row.Groups["number"].Value, CultureInfo.InvariantCulture),
            row.Groups["kinds"].Value.Split(", "),
            TestName().Matches(row.Groups["tests"].Value).Select(static name => name.Groups["name"].Value).ToArray())),
    ];

    private static readonly IReadOnlyList<(string Path, string Text)> _sources =
        [.. SourceTree.CSharpFilesIn("tests").Select(static file => (SourceTree.Relative(file), File.ReadAllText(file)))];

    [Test]
    public void Every_row_is_there_once_in_its_place() =>
        Assert.That(_rows.Select(static row => row.Number), Is.EqualTo(Enumerable.Range(1, Rows)));

    [Test]
    public void Every_row_names_a_test_and_only_kinds_that_there_are()
    {
        Assert.That(_rows.Where(static row => row.Tests.Length == 0).Select(static row => row.Number), Is.Empty);
        Assert.That(_rows.SelectMany(static row => row.Kinds).Except(_kinds, StringComparer.Ordinal), Is.Empty);
    }

    [Test]
    public void Every_test_that_the_page_names_exists()
    {
        var names = TestName().Matches(_page).Select(static name => name.Groups["name"].Value).Distinct(StringComparer.Ordinal).ToList();

        Assert.That(names, Has.Count.GreaterThan(Rows));
        Assert.That(names.Where(static name => !Exists(name)), Is.Empty);
    }

    [Test]
    public void A_row_is_of_the_namespaces_exactly_when_a_test_of_it_is()
    {
        var wrong = _rows.Where(static row => row.Kinds.Contains("namespaces", StringComparer.Ordinal) != row.Tests.Any(IsOfTheNamespaces));

        Assert.That(wrong.Select(static row => row.Number), Is.Empty);
    }

    [Test]
    public void The_variables_and_fixtures_that_the_page_names_exist()
    {
        var variables = Variable().Matches(_page).Select(static variable => variable.Value).Distinct(StringComparer.Ordinal).ToList();

        Assert.That(variables, Has.Count.EqualTo(3));
        Assert.That(variables.Where(static variable => !_sources.Any(source => source.Text.Contains($"\"{variable}\"", StringComparison.Ordinal))), Is.Empty);
        var files = FileName().Matches(_page).Select(static file => file.Groups["file"].Value).ToList();
        Assert.That(files, Is.Not.Empty);
        Assert.That(files.Where(static file => !Path.Exists(Path.Combine(SourceTree.Root, file))), Is.Empty);
    }

    [Test]
    public void The_code_on_the_page_is_that_of_a_test()
    {
        var test = Path.Combine("tests", "Reactor.Tests", "Faults", $"{nameof(YourOwnServerTests)}.cs");
        const string indentation = "        ";
        var lines = _sources.Single(source => source.Path.Equals(test, StringComparison.Ordinal)).Text.Split('\n')
            .Select(static line => line.StartsWith(indentation, StringComparison.Ordinal) ? line[indentation.Length..] : line);

        var shown = Code().Match(_page);

        Assert.That(shown.Success, Is.True);
        Assert.That(string.Join('\n', lines), Does.Contain(shown.Groups["code"].Value));
    }

    private static bool Exists(string name)
    {
        var parts = name.Split('.');
        if (TypeOf(parts[0]) is { } type)
            return parts.Length == 1 ? Methods(type).Any(IsTest) : Methods(type).Any(method => method.Name.Equals(parts[1], StringComparison.Ordinal) && IsTest(method));

        // Those of the command are in an assembly of their own.
        return _sources.Any(source => source.Text.Contains($"class {parts[0]}\n", StringComparison.Ordinal)
            && (parts.Length == 1 || source.Text.Contains($" {parts[1]}(", StringComparison.Ordinal)));
    }

    private static Type? TypeOf(string name) => typeof(TestsPageTests).Assembly.GetType($"{typeof(TestsPageTests).Namespace}.{name}");

    private static MethodInfo[] Methods(Type type) => type.GetMethods();

    private static bool IsTest(MethodInfo method) => method.GetCustomAttributes().Any(static attribute => attribute is ISimpleTestBuilder or ITestBuilder);

    private static bool IsOfTheNamespaces(string name)
    {
        var file = $"tests/Reactor.Tests/Namespaces/{name.Split('.')[0]}.cs";
        return _sources.Any(source => source.Path.Equals(file, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^\| (?<number>\d+) \| [^|]+ \| (?<kinds>[^|]+) \| (?<tests>[^|]+) \|$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex Row();

    [GeneratedRegex(@"`(?<name>[A-Z]\w*Tests(\.\w+)?)`", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex TestName();

    [GeneratedRegex(@"\bREACTOR_TEST_[A-Z_]+\b", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex Variable();

    [GeneratedRegex(@"`(?<file>tests/[\w./]+)`", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex FileName();

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex Code();
}
