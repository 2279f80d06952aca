using System.Net.Security;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A connection as a stream, and what the framework's own classes make of it.</summary>
[TestFixture]
public sealed class StreamTests
{
    [Test]
    public async Task Bytes_are_read_and_written()
    {
        await using var wire = await Wire.Dial();
        await using var stream = wire.Connection.AsStream();

        await stream.WriteAsync("hello"u8.ToArray()).AsTask().Within();
        await stream.FlushAsync().Within();
        Assert.That(wire.Peer.ReadText(5), Is.EqualTo("hello"));

        wire.Peer.Send("world");
        var buffer = new byte[5];
        await stream.ReadExactlyAsync(buffer).AsTask().Within();
        Assert.That(buffer, Is.EqualTo("world"u8.ToArray()));

        wire.Peer.HalfClose();
        Assert.That(await stream.ReadAsync(buffer).Within(), Is.Zero);
        Assert.That(await stream.ReadAsync(buffer).Within(), Is.Zero);
    }

    [Test]
    public async Task It_reads_and_writes_and_does_not_seek()
    {
        await using var wire = await Wire.Dial();
        await using var stream = wire.Connection.AsStream();

        Assert.That((stream.CanRead, stream.CanWrite, stream.CanSeek), Is.EqualTo((true, true, false)));
        Assert.Throws<NotSupportedException>(() => stream.Seek(0, SeekOrigin.Begin));
        Assert.Throws<NotSupportedException>(() => stream.SetLength(1));
        Assert.Throws<NotSupportedException>(() => _ = stream.Length);
        Assert.Throws<NotSupportedException>(() => _ = stream.Position);
    }

    [Test]
    public async Task A_read_with_a_small_buffer_leaves_the_rest_for_the_next()
    {
        await using var wire = await Wire.Dial();
        await using var stream = wire.Connection.AsStream();
        wire.Peer.Send("abcdef");
        var got = new List<byte>();
        var one = new byte[1];
        while (got.Count < 6)
        {
            Assert.That(await stream.ReadAsync(one).Within(), Is.EqualTo(1));
            got.Add(one[0]);
        }

        Assert.That(got, Is.EqualTo("abcdef"u8.ToArray()));
    }

    [Test]
    public async Task A_read_of_zero_bytes_takes_nothing()
    {
        await using var wire = await Wire.Dial();
        await using var stream = wire.Connection.AsStream();
        wire.Peer.Send("a");

        Assert.That(await stream.ReadAsync(Memory<byte>.Empty).Within(), Is.Zero);

        var buffer = new byte[2];
        Assert.That(await stream.ReadAsync(buffer).Within(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_read_is_cancelled_by_its_token_and_the_next_goes_on()
    {
        await using var wire = await Wire.Dial();
        await using var stream = wire.Connection.AsStream();
        using var source = new CancellationTokenSource();
        var buffer = new byte[1];
        var reading = stream.ReadAsync(buffer, source.Token).AsTask();

        await source.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(async () => await reading.Within());

        wire.Peer.Send("a");
        Assert.That(await stream.ReadAsync(buffer).Within(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_reset_is_an_IOException_as_of_every_network_stream()
    {
        await using var wire = await Wire.Dial();
        await using var stream = wire.Connection.AsStream();
        var reading = stream.ReadAsync(new byte[1]).AsTask();

        wire.Peer.Reset();

        await Assert.ThrowsAsync<ConnectionResetException>(async () => await reading.Within());
    }

    [Test]
    public async Task Synchronous_calls_work_off_the_loop()
    {
        await using var wire = await Wire.Dial();
        await Task.Run(() =>
        {
            using var stream = wire.Connection.AsStream();
            stream.Write("hello"u8);
            stream.Flush();
            Assert.That(wire.Peer.ReadText(5), Is.EqualTo("hello"));
            wire.Peer.Send("x");
            Assert.That(stream.ReadByte(), Is.EqualTo('x'));
        }).Within();
    }

    [Test]
    public async Task Synchronous_calls_on_the_loop_are_refused_for_they_would_wait_for_ever()
    {
        await using var wire = await Wire.Dial();

        await wire.Loop.InvokeAsync(() =>
        {
            var stream = wire.Connection.AsStream();
            Assert.Throws<InvalidOperationException>(() => stream.ReadByte());
            Assert.Throws<InvalidOperationException>(() => stream.Write("x"u8));
        }).Within();
    }

    [Test]
    public async Task Disposed_synchronously_on_the_loop_it_closes_without_waiting()
    {
        await using var wire = await Wire.Dial();

        await wire.Loop.InvokeAsync(() => wire.Connection.AsStream().Dispose()).Within();

        Assert.That(wire.Peer.EndsInOrder(), Is.True);
    }

    [Test]
    public async Task Disposing_it_closes_the_connection()
    {
        await using var wire = await Wire.Dial();

        await wire.Connection.AsStream().DisposeAsync();

        Assert.That(wire.Peer.EndsInOrder(), Is.True);
        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.ClosedLocally));
    }

    [Test]
    public async Task Lines_through_StreamReader_and_StreamWriter()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            using var reader = new StreamReader(connection.AsStream(), leaveOpen: true);
            await using var writer = new StreamWriter(connection.AsStream(), leaveOpen: true) { AutoFlush = true, NewLine = "\n" };
            while (await reader.ReadLineAsync() is { } line)
                await writer.WriteLineAsync($"<{line}>");
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        peer.Send("one\ntwo\nthree");
        peer.HalfClose();

        Assert.That(System.Text.Encoding.Latin1.GetString(peer.ReadToEnd()), Is.EqualTo("<one>\n<two>\n<three>\n"));
    }

    [Test]
    public async Task CopyToAsync_between_two_connections_is_a_proxy()
    {
        await using var loop = TestLoop.Start();
        await using var target = await loop.ListenAsync(Loopback.AnyPort, Handlers.Uppercase).Within();
        await using var proxy = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            await using var onward = await loop.ConnectAsync(target.LocalEndPoint);
            var there = connection.AsStream().CopyToAsync(onward.AsStream()).ContinueWith(_ => onward.ShutdownSend(), TaskScheduler.Default);
            await onward.AsStream().CopyToAsync(connection.AsStream());
            await there;
        }).Within();
        using var peer = RawPeer.Dial(proxy.LocalEndPoint);

        peer.Send("through and back");
        peer.HalfClose();

        Assert.That(System.Text.Encoding.Latin1.GetString(peer.ReadToEnd()), Is.EqualTo("THROUGH AND BACK"));
    }

    [TestCase(1)]
    [TestCase(2_000_000)]
    public async Task TLS_runs_over_it_on_both_sides(int bytes)
    {
        using var certificate = Certificate.New();
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            await using var tls = new SslStream(connection.AsStream(), leaveInnerStreamOpen: true);
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate });
            await tls.CopyToAsync(tls);
            await tls.ShutdownAsync();
        }).Within();
        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        await using var client = new SslStream(connection.AsStream(), leaveInnerStreamOpen: true);
        await client.AuthenticateAsClientAsync(Trusting()).Within();
        var message = new byte[bytes];
        new Random(7).NextBytes(message);

        var writing = Task.Run(async () =>
        {
            await client.WriteAsync(message);
            await client.FlushAsync();
        });
        var echoed = new byte[bytes];
        await client.ReadExactlyAsync(echoed).AsTask().Within();
        await writing.Within();
        Assert.That(echoed.AsSpan().SequenceEqual(message), Is.True);

        // close_notify there and back: an end that is no truncation.
        await client.ShutdownAsync().Within();
        Assert.That(await client.ReadAsync(new byte[1]).Within(), Is.Zero);
    }

    [Test]
    public async Task TLS_with_the_framework_s_own_socket_on_the_other_side()
    {
        using var certificate = Certificate.New();
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            await using var tls = new SslStream(connection.AsStream(), leaveInnerStreamOpen: true);
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate });
            await tls.WriteAsync("hello over TLS"u8.ToArray());
            await tls.ShutdownAsync();
        }).Within();
        using var tcp = new TcpClient();
        await tcp.ConnectAsync((System.Net.IPEndPoint)listener.LocalEndPoint);
        await using var client = new SslStream(tcp.GetStream());

        await client.AuthenticateAsClientAsync(Trusting()).Within();
        using var reader = new StreamReader(client);

        Assert.That(await reader.ReadToEndAsync().Within(), Is.EqualTo("hello over TLS"));
    }

    [Test]
    public async Task A_peer_that_leaves_in_the_middle_of_the_handshake_ends_the_handler_and_leaves_nothing()
    {
        using var certificate = Certificate.New();
        await using var loop = TestLoop.Start();
        var ended = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            try
            {
                await using var tls = new SslStream(connection.AsStream(), leaveInnerStreamOpen: true);
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate });
                ended.SetResult(null);
            }
            catch (Exception exception)
            {
                ended.SetResult(exception);
            }
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        // The beginning of a TLS record, and then nothing.
        peer.Send([0x16, 0x03, 0x01]);
        peer.HalfClose();

        Assert.That(await ended.Task.Within(), Is.InstanceOf<IOException>());
        await Until.True(() => loop.Counters.Connections == 0);
    }

    private static SslClientAuthenticationOptions Trusting() => new()
    {
        TargetHost = "localhost",
        // The test's own certificate, which nobody signed.
#pragma warning disable CA5359
        RemoteCertificateValidationCallback = static (_, _, _, _) => true,
#pragma warning restore CA5359
    };
}
