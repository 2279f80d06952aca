using System.Text.RegularExpressions;

namespace Reactor.Tests;

/// <summary>The list of libc calls has two bodies, and a build compiles but one of them.</summary>
[TestFixture]
public sealed partial class LibcBodiesTests
{
    [Test]
    public void Both_have_the_same_calls()
    {
        var ours = SignaturesIn("Libc.cs", "Libc.Linux.cs");

        Assert.That(ours, Has.Some.Contain(" socket(").And.Some.Contain(" epoll_wait("), "The declarations were not found.");
        Assert.That(SignaturesIn("Libc.Tmds.cs"), Is.EquivalentTo(ours));
    }

    private static List<string> SignaturesIn(params string[] files) => files
        .Select(static file => File.ReadAllText(Path.Combine(SourceTree.Root, "src", "Reactor", "Interop", file)))
        .SelectMany(static text => Signature().Matches(text))
        .Select(static match => match.Groups["signature"].Value)
        .ToList();

    [GeneratedRegex(@"internal static (partial )?(?<signature>[^=;{]*\))", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Signature();
}
