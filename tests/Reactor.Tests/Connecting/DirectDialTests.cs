using System.Net;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Dials of one address that are begun on the loop: they complete in the event that their socket connects in.</summary>
[TestFixture]
public sealed class DirectDialTests
{
    [Test]
    public async Task Each_of_many_dials_one_after_the_other_has_its_own_result()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();
        using var nobody = Loopback.Refusing();

        await loop.InvokeAsync(async () =>
        {
            for (var i = 0; i < 100; i++)
            {
                var connected = await loop.TryConnectAsync(listener.LocalEndPoint);
                await using var connection = connected.Connection!;
                var refused = await loop.TryConnectAsync(nobody.EndPoint);

                Assert.That((connected.Outcome, connected.EndPoint), Is.EqualTo((ConnectOutcome.Connected, listener.LocalEndPoint)));
                Assert.That((refused.Outcome, refused.EndPoint, refused.Connection), Is.EqualTo((ConnectOutcome.Refused, (EndPoint)nobody.EndPoint, (Connection?)null)));
            }
        }).Within();
        Assert.That((loop.Connector.InFlight, loop.Connector.Queued), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Many_at_once_are_each_their_own()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();

        var connections = await loop.InvokeAsync(async () =>
        {
            var dials = new List<Task<Connection>>();
            for (var i = 0; i < 50; i++)
                dials.Add(loop.ConnectAsync(listener.LocalEndPoint).AsTask());
            var connections = new List<Connection>();
            foreach (var dial in dials)
                connections.Add(await dial);
            return connections;
        }).Within();

        Assert.That(connections.Select(static connection => connection.LocalEndPoint).Distinct().Count(), Is.EqualTo(50));
        foreach (var connection in connections)
            await connection.DisposeAsync();
    }

    [Test]
    public async Task What_fails_throws_as_it_does_elsewhere()
    {
        await using var loop = TestLoop.Start();
        using var nobody = Loopback.Refusing();

        var onLoop = await Assert.ThrowsAsync<ConnectException>(async () => await loop.InvokeAsync(() => loop.ConnectAsync(nobody.EndPoint).AsTask()).Within());
        var elsewhere = await Assert.ThrowsAsync<ConnectException>(async () => await loop.ConnectAsync(nobody.EndPoint).AsTask().Within());

        Assert.That((onLoop!.Result.Errno, onLoop.Result.Syscall), Is.EqualTo((elsewhere!.Result.Errno, elsewhere.Result.Syscall)));
    }

    [Test]
    public async Task A_cancelled_one_is_a_cancelled_task()
    {
        using var host = Loopback.Hanging();
        await using var loop = TestLoop.Start();
        using var source = new CancellationTokenSource();
        var dial = await loop.InvokeAsync(() => Task.FromResult(loop.ConnectAsync(host.EndPoint, source.Token).AsTask()));
        await Until.True(() => loop.Connector.InFlight == 1);

        await source.CancelAsync();

        await Assert.ThrowsAsync<OperationCanceledException>(async () => await dial.Within());
        Assert.That(dial.IsCanceled);
        Assert.That(loop.Connector.InFlight, Is.Zero);
    }

    [Test]
    public async Task It_may_be_awaited_on_another_thread()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();
        for (var i = 0; i < 20; i++)
        {
            var dial = await loop.InvokeAsync(() => loop.TryConnectAsync(listener.LocalEndPoint));
            var result = await Task.Run(async () => await dial).Within();
            Assert.That(result.IsConnected);
            await result.Connection!.DisposeAsync();
        }
    }

    [Test]
    public async Task A_second_await_is_told_that_it_is_one()
    {
        using var host = Loopback.Hanging();
        await using var loop = TestLoop.Start(connect: new ConnectOptions { ConnectTimeout = TimeSpan.FromMilliseconds(50) });
        var dial = await loop.InvokeAsync(() => loop.TryConnectAsync(host.EndPoint));
        await dial.AsTask().Within();

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await dial);
    }

    [Test]
    public async Task On_the_loop_too_where_it_is_used_again_for_the_next()
    {
        using var listener = RawListener.Start();
        using var host = Loopback.Hanging();
        await using var loop = TestLoop.Start(connect: new ConnectOptions { ConnectTimeout = TimeSpan.FromMilliseconds(50) });

        await loop.InvokeAsync(async () =>
        {
            var first = loop.TryConnectAsync(host.EndPoint);
            var again = first;
            Assert.That((await first).Outcome, Is.EqualTo(ConnectOutcome.TimedOut));
            var next = loop.TryConnectAsync(host.EndPoint);

            Assert.Throws<InvalidOperationException>(() => _ = again.Result);

            Assert.That((await next).Outcome, Is.EqualTo(ConnectOutcome.TimedOut));
        }).Within();
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task An_end_point_that_throws_reaches_the_caller_and_leaves_its_place(bool onLoop)
    {
        await using var loop = TestLoop.Start(connect: new ConnectOptions { MaxInFlight = 1 });
        using var listener = RawListener.Start();
        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<NotImplementedException>(() => Dial(() => loop.TryConnectAsync(new Nowhere()).AsTask()));
            await Assert.ThrowsAsync<NotImplementedException>(() => Dial(() => loop.ConnectAsync(new Nowhere()).AsTask()));
        }

        Assert.That((loop.Connector.InFlight, loop.Connector.Queued), Is.EqualTo((0, 0)));
        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        // What comes out of the call itself, in place of its task, is as wrong.
        Task Dial(Func<Task> dial) => onLoop ? loop.InvokeAsync(() => Task.FromResult(dial())).Unwrap().Within() : dial().Within();
    }

    [Test]
    public async Task A_dial_costs_seven_system_calls()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        using var listener = RawListener.Start();
        KernelCall[] calls =
        [
            KernelCall.Socket, KernelCall.SetOption, KernelCall.Connect, KernelCall.Add, KernelCall.SocketError, KernelCall.PeerAddress, KernelCall.LocalAddress,
            KernelCall.Bind, KernelCall.Receive, KernelCall.Send, KernelCall.Close, KernelCall.Remove,
        ];

        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(calls.Select(kernel.Count), Is.EqualTo([1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]));
    }

    /// <summary>An end point of somebody's own that has no socket address.</summary>
    private sealed class Nowhere : EndPoint;
}
