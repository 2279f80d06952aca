using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>
/// Linux takes a descriptor before it looks whether somebody waits, so the accept that only asks for more answers EMFILE as
/// soon as the last descriptor is in use. That alone is nothing to worry about.
/// </summary>
[TestFixture]
public sealed class ExhaustedAndNobodyWaitsTests
{
    [Test]
    public async Task The_client_that_got_the_last_descriptor_is_served_without_a_word_or_a_retry()
    {
        using var log = new LogRecorder();
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel, log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var table = new ScriptedDescriptorTable(kernel, free: 1);

        using var last = RawPeer.Dial(listener.LocalEndPoint);
        last.Send("x");
        Assert.That(last.ReadText(1), Is.EqualTo("x"));
        await loop.Settled();
        var accepts = kernel.Count(KernelCall.Accept);
        var turns = loop.Counters.Turns;
        await loop.After(TimeSpan.FromMilliseconds(500));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(log.Above(LogLevel.Debug), Is.Empty);
            Assert.That(accepts, Is.EqualTo(3), "One for the client, one that asks for more, and the reserve's.");
            Assert.That(kernel.Count(KernelCall.Accept), Is.EqualTo(accepts), "It is not tried again.");
            Assert.That(loop.Counters.Turns - turns, Is.LessThan(5));
            Assert.That(loop.Counters.Timers, Is.Zero);
            Assert.That((listener.Accepted, listener.Refused), Is.EqualTo((1, 0)));
        }
    }

    [Test]
    public async Task Clients_that_come_then_are_refused_and_logged_once_until_a_descriptor_is_free()
    {
        using var log = new LogRecorder();
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel, log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var table = new ScriptedDescriptorTable(kernel, free: 1);
        using var last = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Active == 1);

        for (var i = 1; i <= 3; i++)
        {
            using var refused = RawPeer.Dial(listener.LocalEndPoint);
            refused.EndsInOrder();
            await Until.True(() => listener.Refused == i);
        }

        await loop.Settled();
        Assert.That(log.Above(LogLevel.Debug).Single().Text, Does.Contain("EMFILE"));
        Assert.That(loop.Counters.Timers, Is.Zero);

        last.Dispose();
        await Until.True(() => listener.Active == 0);
        using var later = RawPeer.Dial(listener.LocalEndPoint);
        later.Send("y");
        Assert.That(later.ReadText(1), Is.EqualTo("y"));
        Assert.That(log.Above(LogLevel.Debug).Skip(1).Single().Text, Does.Contain("room again").And.Contain("3"));
    }
}
