using NUnit.Framework.Interfaces;
using Reactor.Tests.Fixtures;

[assembly: LeakCheck]
[assembly: NonParallelizable]

namespace Reactor.Tests.Fixtures;

/// <summary>
/// Fails the test that leaks: after each test the descriptors are those of before, the loops' threads are gone,
/// and no loop that it started still counts a registration, a timer, a connection or a rented buffer.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class LeakCheckAttribute : Attribute, ITestAction
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    private HashSet<string> _before = [];
    private HashSet<string> _threadsBefore = [];

    public ActionTargets Targets => ActionTargets.Test;

    public void BeforeTest(ITest test)
    {
        TestLoop.ForgetStarted();
        _threadsBefore = LoopThreads();
        _before = Descriptors.OfNetwork();
    }

    public void AfterTest(ITest test)
    {
        var leaks = new List<string>();
        if (!Until.Holds(() => LoopThreads().IsSubsetOf(_threadsBefore), Limit))
            leaks.Add($"threads: {string.Join(", ", LoopThreads().Except(_threadsBefore, StringComparer.Ordinal))}");
        if (!Until.Holds(() => Descriptors.OfNetwork().IsSubsetOf(_before), Limit))
            leaks.Add($"descriptors: {string.Join(", ", Descriptors.OfNetwork().Except(_before, StringComparer.Ordinal))}");
        leaks.AddRange(TestLoop.LeftInLoops());

        if (leaks.Count > 0)
            Assert.Fail($"The test left behind {string.Join("; ", leaks)}");
    }

    private static HashSet<string> LoopThreads() => Descriptors.ThreadsNamed(TestLoop.ThreadName).ToHashSet(StringComparer.Ordinal);
}
