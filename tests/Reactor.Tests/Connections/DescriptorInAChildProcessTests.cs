using System.Diagnostics;
using System.Globalization;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>
/// A child process that was started while a duplicate of a connection's socket was open has it, too, and keeps the socket
/// alive after both were closed here. An epoll that was not told to forget it would go on telling of it (epoll(7), questions 6 and 7).
/// </summary>
[TestFixture]
public sealed class DescriptorInAChildProcessTests
{
    [Test]
    public async Task What_comes_for_a_socket_that_only_a_child_still_has_wakes_nobody()
    {
        await using var wire = await Wire.Dial();
        var descriptor = await wire.Loop.InvokeAsync(() => wire.Connection.Descriptor).Within();
        var socket = Descriptors.TargetOf(descriptor);
        Assert.That(socket, Does.StartWith("socket:"));

        // What dup(2) gives is not close-on-exec.
        Process child;
        using (Duplicate.Of(descriptor))
            child = Start();
        try
        {
            Assert.That(Holds(child, socket!), Is.True, "The test's own premise.");
            await wire.Connection.CloseAsync().Within();
            await wire.Settled();
            var turns = wire.Loop.Counters.Turns;

            for (var i = 0; i < 20; i++)
                wire.Peer.Send("to nobody");
            wire.Peer.HalfClose();
            await wire.Peer.AllArrived();
            await wire.Loop.After(TimeSpan.FromMilliseconds(200));

            Assert.That(Holds(child, socket!), Is.True, "It was there all the time.");
            Assert.That(wire.Loop.Counters.Turns - turns, Is.LessThan(10));
            Assert.That((wire.Loop.Counters.BytesReceived, wire.Loop.Counters.Registrations), Is.EqualTo((0, 0)));
        }
        finally
        {
            await End(child);
        }
    }

    [Test]
    public async Task A_child_that_is_started_in_the_midst_of_it_all_gets_no_descriptor_of_ours()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        await Until.True(() => loop.Counters.Connections == 2);
        var ours = Descriptors.OfNetwork().Select(static line => line[(line.IndexOf(' ') + 1)..]).Where(static target => target.StartsWith("socket:", StringComparison.Ordinal)).ToList();
        Assert.That(ours, Has.Count.GreaterThanOrEqualTo(3), "The listener and both ends.");

        var child = Start();
        try
        {
            Assert.That(Targets(child).Intersect(ours, StringComparer.Ordinal), Is.Empty);
            Assert.That(Targets(child).Where(static target => target is "anon_inode:[eventpoll]" or "anon_inode:[eventfd]"), Is.Empty);
        }
        finally
        {
            await End(child);
        }
    }

    // Ends by itself, should this process be killed.
    private static Process Start()
    {
        var child = Process.Start(new ProcessStartInfo("sleep", "60") { UseShellExecute = false })!;
        Assert.That(Until.Holds(() => CommandOf(child).StartsWith("sleep", StringComparison.Ordinal), Until.Limit), Is.True, "It is past its exec.");
        return child;
    }

    private static async Task End(Process child)
    {
        child.Kill();
        await child.WaitForExitAsync().Within();
        child.Dispose();
    }

    private static bool Holds(Process child, string target) => Targets(child).Contains(target, StringComparer.Ordinal);

    private static string CommandOf(Process child) => File.ReadAllText($"/proc/{Id(child)}/cmdline");

    private static List<string> Targets(Process child) =>
        [.. new DirectoryInfo($"/proc/{Id(child)}/fd").EnumerateFileSystemInfos().Select(static entry => entry.LinkTarget ?? "")];

    private static string Id(Process child) => child.Id.ToString(CultureInfo.InvariantCulture);
}
