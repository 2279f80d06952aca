using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Reactor.Tool.Tests;

[CancelAfter(120_000)]
public sealed class ServeCommandTests
{
    [TestCase("echo", "hello\n")]
    [TestCase("uppercase", "HELLO\n")]
    public async Task Serve_answers(string service, string reply, CancellationToken deadline)
    {
        using var serve = ReactorProcess.Start("serve", service, "--listen", "127.0.0.1:0");
        using var client = await ConnectAsync(serve, deadline);
        await client.SendAsync("hello\n"u8.ToArray(), deadline);

        Assert.That(await ReceiveAsync(client, reply.Length, deadline), Is.EqualTo(reply));
    }

    [Test]
    public async Task Serve_prints_one_line_for_each_address(CancellationToken deadline)
    {
        var name = "unix:@" + Guid.NewGuid().ToString("N");
        using var serve = ReactorProcess.Start("serve", "discard", "--listen", "127.0.0.1:0", "--listen", "[::1]:0", "--listen", name, "--loops", "2");
        var lines = new List<string?>();
        for (var i = 0; i < 3; i++)
            lines.Add(await serve.Output.ReadLineAsync(deadline));

        Assert.That(lines[0], Does.Match(@"^listening on 127\.0\.0\.1:\d+$"));
        Assert.That(lines[1], Does.Match(@"^listening on \[::1\]:\d+$"));
        Assert.That(lines[2], Is.EqualTo("listening on " + name));
    }

    [Test]
    public async Task Serve_drains_and_exits_0_when_it_is_told_to_stop(
        [Values(ReactorProcess.SIGINT, ReactorProcess.SIGTERM)] int signal, CancellationToken deadline)
    {
        Signals.AssumeDelivered(signal);
        using var serve = ReactorProcess.Start("serve", "uppercase", "--listen", "127.0.0.1:0");
        using var client = await ConnectAsync(serve, deadline);
        await client.SendAsync("hello\n"u8.ToArray(), deadline);
        var reply = await ReceiveAsync(client, 6, deadline);
        serve.Signal(signal);
        var end = await client.ReceiveAsync(new byte[1], deadline);
        var result = await serve.EndAsync(deadline);

        Assert.That((reply, end), Is.EqualTo(("HELLO\n", 0)), "the reply, and then the end of the stream");
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Error, Does.Contain("Draining: 1 open").And.Contain("0 open, 1 accepted").And.Contain("6 bytes received"));
    }

    [Test]
    public async Task Serve_that_is_told_twice_ends_at_once(CancellationToken deadline)
    {
        using var serve = ReactorProcess.Start("serve", "chargen", "--listen", "127.0.0.1:0");
        using var client = await ConnectAsync(serve, deadline);
        await ReceiveAsync(client, 72, deadline);
        serve.Signal(ReactorProcess.SIGTERM);
        // Nobody reads what the server has still to send, so that the drain is not over soon.
        await ReactorProcess.ReadLineWithAsync(serve.Error, "Draining: 1 open", deadline);
        serve.Signal(ReactorProcess.SIGTERM);

        Assert.That((await serve.EndAsync(deadline)).ExitCode, Is.EqualTo(130));
    }

    [Test]
    public async Task Serve_on_a_taken_address_exits_1_and_names_it(CancellationToken deadline)
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        var result = await ReactorProcess.RunAsync(deadline, "serve", "echo", "--listen", taken.LocalEndPoint!.ToString()!);

        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Error, Does.Contain($"Cannot listen: bind {taken.LocalEndPoint}: EADDRINUSE"));
    }

    [Test]
    public async Task Serve_keeps_further_connections_waiting_at_its_limit(CancellationToken deadline)
    {
        using var serve = ReactorProcess.Start("serve", "echo", "--listen", "127.0.0.1:0", "--max-connections", "1", "--loops", "2");
        var endPoint = await ListeningAsync(serve, deadline);
        using var first = await ConnectAsync(endPoint, deadline);
        await first.SendAsync("1"u8.ToArray(), deadline);
        Assert.That(await ReceiveAsync(first, 1, deadline), Is.EqualTo("1"));

        using var second = await ConnectAsync(endPoint, deadline);
        await second.SendAsync("2"u8.ToArray(), deadline);
        await first.SendAsync("1"u8.ToArray(), deadline);
        await ReceiveAsync(first, 1, deadline);
        Assert.That(second.Available, Is.Zero, "the first is answered again, the second is not served");

        first.Close();
        Assert.That(await ReceiveAsync(second, 1, deadline), Is.EqualTo("2"));
    }

    [Test]
    public async Task Serve_closes_an_idle_connection(CancellationToken deadline)
    {
        using var serve = ReactorProcess.Start("serve", "echo", "--listen", "127.0.0.1:0", "--idle-timeout", "0.1");
        using var client = await ConnectAsync(serve, deadline);

        // The idle are reset, so that nothing is kept for them.
        var reset = await Assert.ThrowsAsync<SocketException>(async () => await client.ReceiveAsync(new byte[1], deadline));
        Assert.That(reset?.SocketErrorCode, Is.EqualTo(SocketError.ConnectionReset));
    }

    private static async Task<Socket> ConnectAsync(ReactorProcess serve, CancellationToken deadline) =>
        await ConnectAsync(await ListeningAsync(serve, deadline), deadline);

    private static async Task<IPEndPoint> ListeningAsync(ReactorProcess serve, CancellationToken deadline) =>
        IPEndPoint.Parse((await ReactorProcess.ReadLineWithAsync(serve.Output, "listening on", deadline)).Split(' ')[^1]);

    private static async Task<Socket> ConnectAsync(IPEndPoint endPoint, CancellationToken deadline)
    {
        var client = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(endPoint, deadline);
        return client;
    }

    private static async Task<string> ReceiveAsync(Socket client, int length, CancellationToken deadline)
    {
        var buffer = new byte[length];
        for (var received = 0; received < length;)
        {
            var count = await client.ReceiveAsync(buffer.AsMemory(received), deadline);
            Assert.That(count, Is.Positive, "the server closed");
            received += count;
        }
        return Encoding.ASCII.GetString(buffer);
    }
}
