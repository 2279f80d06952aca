using System.Net.Security;
using System.Runtime.Versioning;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>TLS over a connection, where it ends on one side only or is to be negotiated anew.</summary>
[TestFixture]
public sealed class TlsEndsTests
{
    private X509Certificate2 _certificate = null!;

    [SetUp]
    public void Make_a_certificate() => _certificate = Certificate.New();

    [TearDown]
    public void Dispose_of_it() => _certificate.Dispose();

    [Test]
    public async Task After_the_client_s_close_notify_and_FIN_the_whole_answer_still_arrives()
    {
        const int bytes = 1_000_000;
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            await using var tls = await Serve(connection);
            var question = new MemoryStream();
            await tls.CopyToAsync(question);
            Assert.That(question.ToArray(), Is.EqualTo("how many?"u8.ToArray()));
            await tls.WriteAsync(new byte[bytes]);
            await tls.ShutdownAsync();
        }).Within();
        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        await using var client = new SslStream(connection.AsStream(), leaveInnerStreamOpen: true);
        await client.AuthenticateAsClientAsync(Trusting()).Within();

        await client.WriteAsync("how many?"u8.ToArray()).AsTask().Within();
        await client.ShutdownAsync().Within();
        connection.ShutdownSend();

        var answer = new MemoryStream();
        await client.CopyToAsync(answer).Within();
        Assert.That(answer.Length, Is.EqualTo(bytes));
        await connection.CloseAsync().Within();
        await Until.True(() => loop.Counters.Connections == 0);
    }

    [Test]
    public async Task A_FIN_without_close_notify_ends_the_reading_and_the_handler()
    {
        await using var loop = TestLoop.Start();
        var ended = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            await using var tls = await Serve(connection);
            ended.SetResult(await tls.ReadAsync(new byte[1]));
        }).Within();
        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        await using var client = new SslStream(connection.AsStream(), leaveInnerStreamOpen: true);
        await client.AuthenticateAsClientAsync(Trusting()).Within();

        connection.ShutdownSend();

        Assert.That(await ended.Task.Within(), Is.Zero, "What SslStream makes of it, as over any stream.");
        await connection.CloseAsync().Within();
        await Until.True(() => loop.Counters.Connections == 0);
    }

    [Test]
    [SupportedOSPlatform("linux")]
    public async Task A_client_that_refuses_to_negotiate_anew_ends_both_sides_and_nobody_else()
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(log: log);
        var server = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            await using var tls = await Serve(connection, allowRenegotiation: true);
            try
            {
                // Asking for the client's certificate after the handshake is what TLS 1.2 negotiates anew for.
                await tls.NegotiateClientCertificateAsync();
            }
            catch (Exception refused)
            {
                server.SetResult(refused);
            }
        }).Within();
        await using var bystander = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        await using var client = new SslStream(connection.AsStream(), leaveInnerStreamOpen: true);
        await client.AuthenticateAsClientAsync(Trusting(allowRenegotiation: false)).Within();

        var told = await Assert.CatchAsync(async () =>
        {
            if (await client.ReadAsync(new byte[1]).Within() == 0)
                throw new EndOfStreamException();
        });

        // How each side words it is the framework's.
        Assert.That(told, Is.InstanceOf<IOException>().Or.InstanceOf<AuthenticationException>());
        await connection.CloseAsync().Within();
        Assert.That(await server.Task.Within(), Is.InstanceOf<IOException>().Or.InstanceOf<AuthenticationException>());
        await Until.True(() => loop.Counters.Connections == 0);
        using var peer = RawPeer.Dial(bystander.LocalEndPoint);
        peer.Send("x");
        Assert.That(peer.ReadText(1), Is.EqualTo("x"));
    }

    private async Task<SslStream> Serve(Connection connection, bool allowRenegotiation = false)
    {
        var tls = new SslStream(connection.AsStream(), leaveInnerStreamOpen: true);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = _certificate,
            AllowRenegotiation = allowRenegotiation,
            EnabledSslProtocols = allowRenegotiation ? SslProtocols.Tls12 : SslProtocols.None,
        });
        return tls;
    }

    private static SslClientAuthenticationOptions Trusting(bool allowRenegotiation = true) => new()
    {
        TargetHost = "localhost",
        AllowRenegotiation = allowRenegotiation,
        // The test's own certificate, which nobody signed.
#pragma warning disable CA5359
        RemoteCertificateValidationCallback = static (_, _, _, _) => true,
#pragma warning restore CA5359
    };
}
