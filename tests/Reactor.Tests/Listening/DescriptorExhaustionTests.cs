using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>No descriptor is left: clients are told, the loop does not spin, and service returns by itself.</summary>
[TestFixture]
[NonParallelizable]
public sealed class DescriptorExhaustionTests
{
    [Test]
    public async Task Clients_are_accepted_and_closed_and_service_returns_when_descriptors_do()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var served = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Accepted == 1);

        using (new ScriptedDescriptorTable(kernel, free: 0))
        {
            var clients = Enumerable.Range(0, 50).Select(_ => RawPeer.Dial(listener.LocalEndPoint)).ToArray();
            await Until.True(() => listener.Refused == clients.Length);
            foreach (var client in clients)
            {
                using var refused = client;
                refused.EndsInOrder();
            }

            Assert.That(loop.Counters.AcceptsRefused, Is.EqualTo(clients.Length));
            Assert.That(listener.Accepted, Is.EqualTo(1));
            served.Send("x");
            Assert.That(served.ReadText(1), Is.EqualTo("x"), "Who is served is served on.");
            var turns = loop.Counters.Turns;
            await loop.After(TimeSpan.FromMilliseconds(200));
            Assert.That(loop.Counters.Turns - turns, Is.LessThan(20), "The loop does not spin.");
        }

        using var later = RawPeer.Dial(listener.LocalEndPoint);
        later.Send("y");
        Assert.That(later.ReadText(1), Is.EqualTo("y"));
    }

    [TestCase(Errno.EMFILE)]
    [TestCase(Errno.ENFILE)]
    [TestCase(Errno.ENOBUFS)]
    [TestCase(Errno.ENOMEM)]
    public async Task When_not_even_the_reserve_helps_the_loop_waits_and_recovers(Errno errno)
    {
        using var log = new LogRecorder();
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel, log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        kernel.OnAccept = (_, _) => -(int)errno;
        kernel.OnSocket = _ => -(int)errno;
        using var waiting = RawPeer.Dial(listener.LocalEndPoint);
        waiting.Send("x");
        await Until.True(() => kernel.Count(KernelCall.Accept) > 1);
        var turns = loop.Counters.Turns;
        await loop.After(TimeSpan.FromMilliseconds(300));
        Assert.That(loop.Counters.Turns - turns, Is.LessThan(30), "The loop does not spin.");

        kernel.OnAccept = null;
        kernel.OnSocket = null;

        Assert.That(waiting.ReadText(1), Is.EqualTo("x"));
        Assert.That(log.Lines.Count(line => line.Text.Contains(errno.Name, StringComparison.Ordinal)), Is.InRange(1, 5), "It is logged, and not for each client.");
    }

    [Test]
    public async Task A_dial_without_descriptors_is_EMFILE_and_the_next_after_it_succeeds()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();
        ConnectResult result;
        using (new ScriptedDescriptorTable(kernel, free: 0))
        {
            result = await loop.TryConnectAsync(listener.LocalEndPoint).Within();
        }

        Assert.That((result.Outcome, result.Errno, result.Syscall), Is.EqualTo((ConnectOutcome.Failed, Errno.EMFILE, "socket")));
        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
    }

    [Test]
    public void The_kernel_itself_answers_EMFILE_also_to_an_accept_that_nobody_waits_for()
    {
        using var listener = RawListener.Start();
        int socket = 0, accept = 0;
        KernelException? start = null;
        ThreadWithoutDescriptors.Run(() =>
        {
            socket = Kernel.System.Socket(AddressFamily.InterNetwork);
            accept = Kernel.System.Accept((int)listener.Socket.Handle, new SocketAddress(AddressFamily.InterNetwork));
            try
            {
                _ = EventLoop.Start();
            }
            catch (KernelException none)
            {
                start = none;
            }
        });

        Assert.That((socket, accept), Is.EqualTo((-(int)Errno.EMFILE, -(int)Errno.EMFILE)));
        Assert.That(start?.Errno, Is.EqualTo(Errno.EMFILE), "A loop that cannot have its poller says so.");
    }
}
