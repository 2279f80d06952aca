using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Reactor.Examples;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The proxy of the examples: what ends one side ends the other in the same way, and nothing is lost, held or left behind.</summary>
[TestFixture]
public sealed partial class TcpProxyTests
{
    private const int SIGTERM = 15;

    // What was received and is being sent, and what was left of the send before it; twice that for good measure.
    private const int MostBuffers = 4;

    [Test]
    public async Task Bytes_go_both_ways_at_once_and_arrive_as_they_were()
    {
        await using var scene = await Scene.Start();
        var request = RandomBytes(8_000_000);
        var reply = RandomBytes(12_000_000);

        var sending = Task.Run(() => scene.Client.Send(request));
        var answering = Task.Run(() => scene.Server.Send(reply));
        var gotRequest = Task.Run(() => scene.Server.ReadExactly(request.Length));
        var gotReply = Task.Run(() => scene.Client.ReadExactly(reply.Length));

        Assert.That((await gotRequest.Within()).AsSpan().SequenceEqual(request), Is.True);
        Assert.That((await gotReply.Within()).AsSpan().SequenceEqual(reply), Is.True);
        await Task.WhenAll(sending, answering).Within();
    }

    [Test]
    public async Task What_the_client_sends_before_the_upstream_is_there_is_not_lost()
    {
        using var listener = RawListener.Start();
        await using var loop = TestLoop.Start();
        await using var proxy = await loop.ListenAsync(Loopback.AnyPort, new TcpProxy(listener.LocalEndPoint, new LogRecorder()).ServeAsync).Within();
        using var client = RawPeer.Dial(proxy.LocalEndPoint);
        client.Send("all of it");
        client.HalfClose();

        using var server = listener.Accept();
        Assert.That(server.ReadToEnd(), Is.EqualTo("all of it"u8.ToArray()));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_FIN_of_one_side_comes_to_the_other_behind_the_last_byte_and_the_other_direction_goes_on(bool clientIsFirst)
    {
        await using var scene = await Scene.Start();
        var (first, second) = clientIsFirst ? (scene.Client, scene.Server) : (scene.Server, scene.Client);
        var message = RandomBytes(1_000_000);

        var sending = Task.Run(() =>
        {
            first.Send(message);
            first.HalfClose();
        });
        Assert.That((await Task.Run(second.ReadToEnd).Within()).AsSpan().SequenceEqual(message), Is.True);
        await sending;
        Assert.That(scene.Loop.Counters.Connections, Is.EqualTo(2));

        second.Send(message);
        Assert.That((await Task.Run(() => first.ReadExactly(message.Length)).Within()).AsSpan().SequenceEqual(message), Is.True);
        second.HalfClose();
        Assert.That(first.EndsInOrder(), Is.True);
        await scene.HasClosedAll();
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_reset_of_one_side_resets_the_other(bool clientIsFirst)
    {
        await using var scene = await Scene.Start();
        var (first, second) = clientIsFirst ? (scene.Client, scene.Server) : (scene.Server, scene.Client);

        first.Reset();

        Assert.That(second.EndsInOrder(), Is.False);
        await scene.HasClosedAll();
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_reset_after_a_FIN_of_the_other_side_resets_it_all_the_same(bool clientIsFirst)
    {
        await using var scene = await Scene.Start();
        var (first, second) = clientIsFirst ? (scene.Client, scene.Server) : (scene.Server, scene.Client);
        second.HalfClose();
        Assert.That(first.EndsInOrder(), Is.True);

        first.Reset();

        Assert.That(second.EndsInOrder(), Is.False);
        await scene.HasClosedAll();
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_reset_of_the_side_that_does_not_read_resets_the_sender(bool clientSends)
    {
        await using var scene = await Scene.Start();
        var (sender, reader) = clientSends ? (scene.Client, scene.Server) : (scene.Server, scene.Client);
        await scene.SendUntilItStalls(sender);

        reader.Reset();

        Assert.That(sender.EndsInOrder(), Is.False);
        await scene.HasClosedAll();
    }

    [Test]
    public async Task A_reset_behind_bytes_that_nobody_has_read_comes_when_they_are_read()
    {
        await using var scene = await Scene.Start();
        await scene.SendUntilItStalls(scene.Client);

        scene.Client.Reset();

        Assert.That(await Task.Run(scene.Server.EndsInOrder).Within(), Is.False);
        await scene.HasClosedAll();
    }

    [Test]
    public async Task A_client_for_whom_nobody_listens_is_reset_and_the_log_says_why()
    {
        using var nobody = Loopback.Refusing();
        var log = new LogRecorder();
        await using var loop = TestLoop.Start();
        await using var proxy = await loop.ListenAsync(Loopback.AnyPort, new TcpProxy(nobody.EndPoint, log).ServeAsync).Within();
        using var client = RawPeer.Dial(proxy.LocalEndPoint);

        Assert.That(client.EndsInOrder(), Is.False);
        await Until.True(() => loop.Counters.Connections == 0);
        var line = log.Above(LogLevel.Information).Single().Text;
        Assert.That(line, Does.StartWith($"{client.LocalEndPoint} is reset: connect {nobody.EndPoint}: ECONNREFUSED"));
    }

    [Test]
    public async Task A_client_that_gives_up_takes_the_dial_for_it_along()
    {
        using var hanging = Loopback.Hanging();
        var log = new LogRecorder();
        await using var loop = TestLoop.Start();
        await using var proxy = await loop.ListenAsync(Loopback.AnyPort, new TcpProxy(hanging.EndPoint, log).ServeAsync).Within();
        using var client = RawPeer.Dial(proxy.LocalEndPoint);
        await Until.True(() => loop.Connector.InFlight == 1);

        client.Reset();

        await Until.True(() => loop.Connector.InFlight == 0 && loop.Counters.Connections == 0);
        Assert.That(log.Lines, Is.Empty, "Nothing is wrong with the upstream.");
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_side_that_does_not_read_stops_the_other_and_costs_bounded_memory(bool clientSends)
    {
        await using var scene = await Scene.Start();
        var (sender, reader) = clientSends ? (scene.Client, scene.Server) : (scene.Server, scene.Client);

        var sent = await scene.SendUntilItStalls(sender);

        Assert.That(scene.Loop.Counters.RentedBuffers, Is.LessThanOrEqualTo(MostBuffers));
        var turns = scene.Loop.Counters.Turns;
        await scene.Loop.After(TimeSpan.FromMilliseconds(100));
        Assert.That(scene.Loop.Counters.Turns - turns, Is.LessThan(20), "Waiting costs no turns.");

        // The other direction does not wait for this one.
        reader.Send("still here");
        Assert.That(sender.ReadText(10), Is.EqualTo("still here"));

        sender.HalfClose();
        Assert.That(await Task.Run(reader.ReadToEnd).Within(), Has.Length.EqualTo(sent));
        Assert.That(scene.Loop.Counters.RentedBuffers, Is.Zero);
    }

    [Test]
    public async Task A_stopping_loop_resets_both_sides_so_that_nobody_takes_the_part_for_the_whole()
    {
        await using var scene = await Scene.Start();
        scene.Server.Send("the first half");
        Assert.That(scene.Client.ReadText(14), Is.EqualTo("the first half"));

        await scene.Loop.DisposeAsync();

        Assert.That(scene.Client.EndsInOrder(), Is.False);
        Assert.That(scene.Server.EndsInOrder(), Is.False);
    }

    [Test]
    public async Task A_thousand_clients_that_come_and_go_leave_nothing()
    {
        await using var loop = TestLoop.Start();
        await using var echo = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        await using var proxy = await loop.ListenAsync(Loopback.AnyPort, new TcpProxy(echo.LocalEndPoint, new LogRecorder()).ServeAsync).Within();
        for (var i = 0; i < 1_000; i++)
        {
            using var client = RawPeer.Dial(proxy.LocalEndPoint);
            client.Send("hello");
            if (i % 3 == 0)
                client.Reset();
            else if (i % 3 == 1)
                Assert.That(client.ReadText(5), Is.EqualTo("hello"));
        }

        await Until.True(() => proxy.Active == 0 && loop.Counters is { Connections: 0, RentedBuffers: 0 });
    }

    [Test]
    public async Task The_example_relays_and_lets_a_conversation_end_on_SIGTERM()
    {
        using var listener = RawListener.Start();
        using var example = BuiltExample.Start("TcpProxy", "--listen", "127.0.0.1:0", "--to", $"127.0.0.1:{listener.Port}");
        var listening = Listening().Match(await example.StandardOutput.ReadLineAsync().Within() ?? "");
        Assert.That(listening.Success, Is.True);
        using (var client = RawPeer.Dial(IPEndPoint.Parse(listening.Groups["address"].Value)))
        using (var server = listener.Accept())
        {
            client.Send("question");
            Assert.That(server.ReadText(8), Is.EqualTo("question"));

            Assert.That(kill(example.Id, SIGTERM), Is.Zero);
            Assert.That(await example.StandardOutput.ReadLineAsync().Within(), Does.StartWith("Draining"));
            server.Send("answer");
            server.HalfClose();
            client.HalfClose();
            Assert.That(client.ReadToEnd(), Is.EqualTo("answer"u8.ToArray()));
        }

        Assert.That(await example.StandardOutput.ReadToEndAsync().Within(), Is.EqualTo("1 connections were served; 0 are reset.\n"));
        await example.WaitForExitAsync().Within();
        Assert.That(example.ExitCode, Is.Zero);
    }

    [TestCase]
    [TestCase("--listen", "127.0.0.1:0")]
    [TestCase("--listen", "127.0.0.1:0", "--to", "nowhere")]
    public async Task The_example_says_how_it_is_used(params string[] args)
    {
        using var example = BuiltExample.Start("TcpProxy", args);
        Assert.That(await example.StandardError.ReadToEndAsync().Within(), Does.StartWith("usage: "));
        await example.WaitForExitAsync().Within();
        Assert.That(example.ExitCode, Is.EqualTo(2));
    }

    private static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        Seed.NewRandom().NextBytes(bytes);
        return bytes;
    }

    [LibraryImport("libc")]
    private static partial int kill(int process, int signal);

    [GeneratedRegex(@"^Listening on (?<address>[0-9.:]+), for ", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex Listening();

    /// <summary>A client, the proxy and a server, with a connection through.</summary>
    private sealed class Scene : IAsyncDisposable
    {
        private Scene(EventLoop loop, RawPeer client, RawPeer server) => (Loop, Client, Server) = (loop, client, server);

        public EventLoop Loop { get; }

        public RawPeer Client { get; }

        public RawPeer Server { get; }

        public static async Task<Scene> Start()
        {
            using var listener = RawListener.Start();
            var loop = TestLoop.Start(shutdownTimeout: TimeSpan.FromSeconds(5));
            var proxy = await loop.ListenAsync(Loopback.AnyPort, new TcpProxy(listener.LocalEndPoint, new LogRecorder()).ServeAsync).Within();
            var client = RawPeer.Dial(proxy.LocalEndPoint);
            return new Scene(loop, client, listener.Accept());
        }

        public Task HasClosedAll() => Until.True(() => Loop.Counters is { Connections: 0, RentedBuffers: 0 });

        /// <summary>Sends until the kernel's buffers are full all the way and nothing moves any more. Gives how much it was.</summary>
        public async Task<long> SendUntilItStalls(RawPeer sender)
        {
            var block = new byte[65536];
            var sent = 0L;
            sender.Socket.Blocking = false;
            do
            {
                try
                {
                    while (true)
                        sent += sender.Socket.Send(block);
                }
                catch (SocketException full) when (full.SocketErrorCode == SocketError.WouldBlock)
                {
                    await Loop.After(TimeSpan.FromMilliseconds(100));
                }
            }
            while (sender.Socket.Poll(TimeSpan.FromMilliseconds(300), SelectMode.SelectWrite));
            sender.Socket.Blocking = true;
            return sent;
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            Server.Dispose();
            await Loop.DisposeAsync();
        }
    }
}
