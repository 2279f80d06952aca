using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A connect(2) that is done when it returns, as one to a Unix-domain socket is: it goes the short way, and its token still counts.</summary>
[TestFixture]
public sealed class ImmediateSuccessTests
{
    private ScratchDirectory _directory = null!;
    private RawListener _listener = null!;

    [SetUp]
    public void Listen()
    {
        _directory = new ScratchDirectory();
        _listener = RawListener.Start(new UnixDomainSocketEndPoint(_directory.File("s")));
    }

    [TearDown]
    public void Stop()
    {
        _listener.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task It_asks_for_no_error_and_no_peer_and_is_usable()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);

        await using var connection = await loop.ConnectAsync(_listener.LocalEndPoint).Within();

        Assert.That((kernel.Count(KernelCall.Connect), kernel.Count(KernelCall.SocketError), kernel.Count(KernelCall.PeerAddress)), Is.EqualTo((1, 0, 0)));
        Assert.That(loop.Counters.Timers, Is.Zero);
        using var peer = _listener.Accept();
        peer.Send("hello");
        var read = await connection.Input.ReadAtLeastAsync(5).Within();
        connection.Input.AdvanceTo(read.Buffer.End);
    }

    [Test]
    public async Task A_token_that_is_cancelled_before_it_counts_though_nothing_would_have_to_wait()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);

        var result = await loop.TryConnectAsync(_listener.LocalEndPoint, new CancellationToken(canceled: true)).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Canceled));
        Assert.That(kernel.Count(KernelCall.Socket), Is.Zero);
    }

    [Test]
    public async Task One_that_took_longer_than_its_timeout_or_was_cancelled_meanwhile_is_connected_once_and_stays_so()
    {
        using var source = new CancellationTokenSource();
        var kernel = new ScriptedKernel();
        kernel.OnConnect = (descriptor, address) =>
        {
            kernel.Jump(TimeSpan.FromHours(1));
            source.Cancel();
            return kernel.Real.Connect(descriptor, address);
        };
        await using var loop = TestLoop.Start(kernel, new ConnectOptions { ConnectTimeout = TimeSpan.FromSeconds(1) });

        var result = await loop.TryConnectAsync(_listener.LocalEndPoint, source.Token).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Connected));
        await loop.Settled();
        await using var connection = result.Connection!;
        Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.None), "Neither of them touches it afterwards.");
        using var peer = _listener.Accept();
        await connection.Output.WriteAsync("alive"u8.ToArray()).Within();
        Assert.That(peer.ReadText(5), Is.EqualTo("alive"));
    }
}
