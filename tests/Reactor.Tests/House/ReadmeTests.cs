using System.Text.RegularExpressions;

namespace Reactor.Tests;

/// <summary>What the README shows is what the examples are, and so it compiles.</summary>
[TestFixture]
public sealed partial class ReadmeTests
{
    [Test]
    public void The_code_in_the_readme_is_that_of_an_example()
    {
        var examples = SourceTree.CSharpFilesIn("examples").Select(static file => File.ReadAllText(file).TrimEnd()).ToList();
        var shown = Code().Matches(File.ReadAllText(Path.Combine(SourceTree.Root, "README.md"))).Select(static match => match.Groups["code"].Value.TrimEnd()).ToList();

        Assert.That(shown, Is.Not.Empty);
        Assert.That(shown, Is.SubsetOf(examples));
    }

    [Test]
    public void Every_file_that_the_documents_link_to_exists()
    {
        var documents = Directory.EnumerateFiles(SourceTree.Root, "*.md").Concat(Directory.EnumerateFiles(Path.Combine(SourceTree.Root, "docs"), "*.md"));
        var broken = documents.SelectMany(static document => Link().Matches(File.ReadAllText(document))
            .Select(static match => match.Groups["target"].Value)
            .Where(target => !Path.Exists(Path.Combine(Path.GetDirectoryName(document)!, target)))
            .Select(target => $"{SourceTree.Relative(document)}: {target}"));

        Assert.That(broken, Is.Empty);
    }

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex Code();

    [GeneratedRegex(@"\]\((?<target>[^)#:]+)(#[^)]*)?\)", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex Link();
}
