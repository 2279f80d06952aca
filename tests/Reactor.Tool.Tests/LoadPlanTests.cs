using System.Net;
using Reactor.Load;

namespace Reactor.Tool.Tests;

public sealed class LoadPlanTests
{
    private static readonly IPEndPoint _target = new(IPAddress.Loopback, 9523);

    private static IEnumerable<TestCaseData> PlansThatCannotBe()
    {
        yield return Case("no connection", new LoadPlan { Target = _target, Connections = 0 });
        yield return Case("none in flight", new LoadPlan { Target = _target, InFlight = 0 });
        yield return Case("no repeat", new LoadPlan { Target = _target, Repeat = 0 });
        yield return Case("an empty message", new LoadPlan { Target = _target, Message = default });
        yield return Case("too long a message", new LoadPlan { Target = _target, Message = new byte[LoadPlan.LongestMessage + 1] });
        yield return Case("an unknown expectation", new LoadPlan { Target = _target, Expect = (ReplyExpectation)42 });
        yield return Case("no duration", new LoadPlan { Target = _target, Duration = TimeSpan.Zero });
        yield return Case("no rate", new LoadPlan { Target = _target, ConnectsPerSecond = 0 });
        yield return Case("a rate that is no number", new LoadPlan { Target = _target, ConnectsPerSecond = double.NaN });
        yield return Case("no time to connect", new LoadPlan { Target = _target, ConnectTimeout = TimeSpan.Zero });
        yield return Case("no time to reply", new LoadPlan { Target = _target, ReplyTimeout = TimeSpan.FromSeconds(-1) });

        static TestCaseData Case(string name, LoadPlan plan) => new TestCaseData(plan).SetArgDisplayNames(name);
    }

    [Test]
    public void The_default_plan_is_five_thousand_connections_with_ten_hellos_each()
    {
        var plan = new LoadPlan { Target = _target };

        Assert.That(plan.Problem, Is.Null);
        Assert.That((plan.Connections, plan.InFlight, plan.Repeat, plan.Expect), Is.EqualTo((5_000, 512, 10, ReplyExpectation.Uppercase)));
        Assert.That(plan.Message.ToArray(), Is.EqualTo("hello\n"u8.ToArray()));
    }

    [TestCaseSource(nameof(PlansThatCannotBe))]
    public async Task A_plan_that_cannot_be_carried_out_says_why(LoadPlan plan)
    {
        Assert.That(plan.Problem, Is.Not.Null.And.Not.Empty);
        await using var loop = EventLoop.Start();
        Assert.That(() => new LoadRun(loop, plan), Throws.ArgumentException.With.Message.Contains(plan.Problem));
    }
}
