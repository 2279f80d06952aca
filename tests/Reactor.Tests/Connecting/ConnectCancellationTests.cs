using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A token that is cancelled before, during, in the same turn as and after a connect.</summary>
[TestFixture]
public sealed class ConnectCancellationTests
{
    private static readonly CancellationToken Cancelled = new(canceled: true);

    [Test]
    public async Task Cancelled_before_nothing_is_dialled()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();

        var result = await loop.TryConnectAsync(listener.LocalEndPoint, Cancelled).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Canceled));
        Assert.That(kernel.Count(KernelCall.Socket), Is.Zero);
        await Assert.CatchAsync<OperationCanceledException>(async () => await loop.ConnectAsync(listener.LocalEndPoint, Cancelled).Within());
        await Assert.CatchAsync<OperationCanceledException>(async () => await loop.ConnectAsync("localhost", listener.Port, Cancelled).Within());
        Assert.That(kernel.Count(KernelCall.Socket), Is.Zero);
    }

    [Test]
    public async Task Cancelled_while_it_hangs_it_ends_and_leaves_nothing()
    {
        await using var loop = TestLoop.Start();
        using var hanging = Loopback.Hanging();
        using var source = new CancellationTokenSource();
        var sockets = Descriptors.Sockets();
        var connecting = loop.TryConnectAsync(hanging.EndPoint, source.Token).AsTask();
        await Until.True(() => loop.Counters.Registrations == 1);

        await source.CancelAsync();
        var result = await connecting.Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Canceled));
            Assert.That(result.Errno, Is.EqualTo(Errno.None));
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
            Assert.That(loop.Counters.Registrations, Is.Zero);
            Assert.That(loop.Counters.Timers, Is.Zero);
        }
    }

    [Test]
    public async Task The_exception_of_a_cancelled_connect_carries_the_token()
    {
        await using var loop = TestLoop.Start();
        using var hanging = Loopback.Hanging();
        using var source = new CancellationTokenSource();
        var connecting = loop.ConnectAsync(hanging.EndPoint, source.Token).AsTask();
        await Until.True(() => loop.Counters.Registrations == 1);

        await source.CancelAsync();

        var error = await Assert.CatchAsync<OperationCanceledException>(async () => await connecting.Within());
        Assert.That(error!.CancellationToken, Is.EqualTo(source.Token));
        Assert.That(connecting.IsCanceled, Is.True);
    }

    [Test]
    public async Task Cancelled_in_the_turn_of_its_completion_it_has_one_outcome()
    {
        using var source = new CancellationTokenSource();
        var kernel = new ScriptedKernel();
        kernel.OnSocketError = descriptor =>
        {
            source.Cancel();
            return kernel.Real.SocketError(descriptor);
        };
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();

        var result = await loop.TryConnectAsync(listener.LocalEndPoint, source.Token).Within();

        Assert.That(result.Outcome, Is.AnyOf(ConnectOutcome.Connected, ConnectOutcome.Canceled));
        Assert.That(result.Connection is not null, Is.EqualTo(result.IsConnected));
        if (result.Connection is { } connection)
            await connection.CloseAsync().Within();
    }

    [Test]
    public async Task Cancelled_before_an_immediate_success_is_handed_out_it_has_one_outcome()
    {
        using var source = new CancellationTokenSource();
        var kernel = new ScriptedKernel();
        kernel.OnConnect = (descriptor, address) =>
        {
            source.Cancel();
            return kernel.Real.Connect(descriptor, address);
        };
        await using var loop = TestLoop.Start(kernel);
        using var directory = new ScratchDirectory();
        using var listener = RawListener.Start(new System.Net.Sockets.UnixDomainSocketEndPoint(directory.File("s")));

        var result = await loop.TryConnectAsync(listener.LocalEndPoint, source.Token).Within();

        Assert.That(result.Outcome, Is.AnyOf(ConnectOutcome.Connected, ConnectOutcome.Canceled));
        if (result.Connection is { } connection)
            await connection.CloseAsync().Within();
    }

    [Test]
    public async Task Cancelled_after_it_the_live_connection_is_not_touched()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();
        using var source = new CancellationTokenSource();
        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint, source.Token).Within();
        using var peer = listener.Accept();

        await source.CancelAsync();
        await loop.InvokeAsync(static () => { }).Within();

        peer.Send("alive");
        var read = await connection.Input.ReadAtLeastAsync(5).Within();
        Assert.That(read.Buffer.Length, Is.EqualTo(5));
        Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.None));
        connection.Input.AdvanceTo(read.Buffer.End);
    }

    [Test]
    public async Task Cancelled_at_any_moment_each_connect_has_one_outcome_and_leaves_nothing()
    {
        var random = Seed.NewRandom();
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Discard).Within();
        for (var round = 0; round < 20; round++)
        {
            using var source = new CancellationTokenSource();
            var connecting = Enumerable.Range(0, 50).Select(_ => loop.TryConnectAsync(listener.LocalEndPoint, source.Token).AsTask()).ToArray();
            for (var spin = random.Next(20_000); spin > 0; spin--)
                Thread.SpinWait(1);
            await source.CancelAsync();

            foreach (var result in await Task.WhenAll(connecting).Within())
            {
                Assert.That(result.Outcome, Is.AnyOf(ConnectOutcome.Connected, ConnectOutcome.Canceled));
                if (result.Connection is { } connection)
                    await connection.CloseAsync().Within();
            }
        }

        await Until.True(() => loop.Counters.Registrations == 1);
        Assert.That(loop.Counters.Timers, Is.Zero);
    }
}
