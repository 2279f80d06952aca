using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What is ambient where a loop is started, a request's identity or trace, is no business of its handlers.</summary>
[TestFixture]
public sealed class AmbientOfTheStarterTests
{
    private static readonly AsyncLocal<string?> Ambient = new();

    [Test]
    public async Task AsyncLocals_of_who_started_the_loop_do_not_flow_into_handlers()
    {
        Ambient.Value = "request 1";
        await using var loop = TestLoop.Start();
        Ambient.Value = null;
        var seen = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, _ =>
        {
            seen.SetResult(Ambient.Value);
            return Task.CompletedTask;
        }).Within();

        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        Assert.That(await seen.Task.Within(), Is.Null);
    }

    [Test]
    public async Task Nor_do_those_of_who_listened()
    {
        await using var loop = TestLoop.Start();
        var seen = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        Ambient.Value = "request 2";
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, _ =>
        {
            seen.SetResult(Ambient.Value);
            return Task.CompletedTask;
        }).Within();
        Ambient.Value = null;

        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        Assert.That(await seen.Task.Within(), Is.Null);
    }
}
