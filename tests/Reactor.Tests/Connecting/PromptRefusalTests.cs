using System.Net;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A refusal on this machine is told when it comes, and not when some timer looks.</summary>
[TestFixture]
public sealed class PromptRefusalTests
{
    public static readonly IPEndPoint[] AnyPorts = [Loopback.AnyPort, Loopback.AnyPort6];

    [TestCaseSource(nameof(AnyPorts))]
    public async Task It_takes_milliseconds_and_is_never_a_timeout(IPEndPoint anyPort)
    {
        await using var loop = TestLoop.Start(connect: new ConnectOptions { ConnectTimeout = TimeSpan.FromSeconds(10) });
        using var refusing = Loopback.Refusing(anyPort.AddressFamily);
        var elapsed = new List<TimeSpan>();
        for (var i = 0; i < 101; i++)
        {
            var result = await loop.TryConnectAsync(refusing.EndPoint).Within();
            Assert.That((result.Outcome, result.Errno), Is.EqualTo((ConnectOutcome.Refused, Errno.ECONNREFUSED)));
            elapsed.Add(result.Elapsed);
        }

        // The median: on a busy machine one or the other has to wait for the processor.
        elapsed.Sort();
        TestContext.Out.WriteLine($"{elapsed[50].TotalMilliseconds} ms");
        Assert.That(elapsed[50], Is.LessThan(TimeSpan.FromMilliseconds(10)));
    }
}
