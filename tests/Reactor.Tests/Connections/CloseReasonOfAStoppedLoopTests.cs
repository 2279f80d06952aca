using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Why a connection ended whose loop stopped in order: the end that its reader was told of was not the peer's.</summary>
[TestFixture]
public sealed class CloseReasonOfAStoppedLoopTests
{
    [TestCase(false)]
    [TestCase(true)]
    public async Task With_the_peer_still_there_it_was_the_loop(bool shutsDownFirst)
    {
        var loop = TestLoop.Start();
        Connection? served = null;
        var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            served = connection;
            await Handlers.Echo(connection);
            if (shutsDownFirst)
                connection.ShutdownSend();
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        peer.Send("x");
        Assert.That(peer.ReadText(1), Is.EqualTo("x"));

        await loop.DisposeAsync().Within();

        Assert.That(peer.EndsInOrder(), Is.True);
        Assert.That(served!.CloseReason, Is.EqualTo(CloseReason.LoopStopped));
    }

    [Test]
    public async Task So_it_is_for_a_dialled_connection_whose_owner_closes_it_then()
    {
        var loop = TestLoop.Start();
        using var listener = RawListener.Start();
        var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        using var peer = listener.Accept();
        var owner = await loop.InvokeAsync(() => ReadToTheEndAndClose()).Within();

        await loop.DisposeAsync().Within();

        await owner.Within();
        Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.LoopStopped));
        Assert.That(peer.EndsInOrder(), Is.True);

        async Task<Task> ReadToTheEndAndClose()
        {
            await Task.Yield();
            return Own();
        }

        async Task Own()
        {
            var read = await connection.Input.ReadAsync();
            Assert.That(read.IsCompleted, Is.True);
            connection.Input.AdvanceTo(read.Buffer.End);
            await connection.CloseAsync();
        }
    }

    [Test]
    public async Task With_the_peer_s_FIN_met_before_it_was_the_peer()
    {
        var loop = TestLoop.Start();
        Connection? served = null;
        var met = new TaskCompletionSource();
        var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            served = connection;
            await Handlers.Discard(connection);
            met.SetResult();
            await Until.Canceled(loop.Stopping);
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        peer.HalfClose();
        await met.Task.Within();

        await loop.DisposeAsync().Within();

        Assert.That(served!.CloseReason, Is.EqualTo(CloseReason.ClosedByPeer));
    }

    [Test]
    public async Task With_the_peer_s_FIN_waiting_unseen_it_was_the_peer()
    {
        var loop = TestLoop.Start();
        Connection? served = null;
        var listener = await loop.ListenAsync(Loopback.AnyPort, connection =>
        {
            served = connection;
            return Handlers.Discard(connection);
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Active == 1);
        await loop.Settled();
        using var release = new ManualResetEventSlim();
        loop.Post(() => release.Wait(Until.Limit));
        peer.HalfClose();
        var ending = loop.DisposeAsync().AsTask();
        release.Set();

        await ending.Within();

        Assert.That(served!.CloseReason, Is.EqualTo(CloseReason.ClosedByPeer));
    }
}
