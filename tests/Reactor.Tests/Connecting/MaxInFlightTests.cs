using System.Diagnostics;
using System.Net;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The limit on connects under way, and the queue behind it.</summary>
[TestFixture]
public sealed class MaxInFlightTests
{
    [Test]
    public async Task The_limit_is_honoured_exactly()
    {
        await using var loop = TestLoop.Start();
        var connector = new Connector(loop, new ConnectOptions { MaxInFlight = 4 });
        using var hanging = Loopback.Hanging();
        using var source = new CancellationTokenSource();
        var sockets = Descriptors.Sockets();

        var connecting = Enumerable.Range(0, 20).Select(_ => connector.TryConnectAsync(hanging.EndPoint, source.Token).AsTask()).ToArray();

        await Until.True(() => connector.InFlight == 4 && connector.Queued == 16);
        Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets + 4), "Who waits in the queue has no descriptor.");
        await source.CancelAsync();
        var results = await Task.WhenAll(connecting).Within();
        Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(ConnectOutcome.Canceled));
        Assert.That((connector.InFlight, connector.Queued), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task The_limit_is_reached_and_never_passed_while_thousands_go_through()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        var connector = new Connector(loop, new ConnectOptions { MaxInFlight = 8 });
        var most = 0;
        kernel.OnConnect = (descriptor, address) =>
        {
            most = Math.Max(most, connector.InFlight);
            return kernel.Real.Connect(descriptor, address);
        };
        using var refusing = Loopback.Refusing();

        var results = await Task.WhenAll(Enumerable.Range(0, 2_000).Select(_ => connector.TryConnectAsync(refusing.EndPoint).AsTask())).Within();

        Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(ConnectOutcome.Refused));
        Assert.That(most, Is.EqualTo(8));
        Assert.That((connector.InFlight, connector.Queued), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task The_queue_is_first_in_first_out()
    {
        var kernel = new ScriptedKernel();
        var order = new List<int>();
        kernel.OnConnect = (descriptor, address) =>
        {
            order.Add(((IPEndPoint)Loopback.AnyPort.Create(address)).Port);
            return kernel.Real.Connect(descriptor, address);
        };
        await using var loop = TestLoop.Start(kernel);
        var connector = new Connector(loop, new ConnectOptions { MaxInFlight = 1 });
        using var hanging = Loopback.Hanging();
        using var source = new CancellationTokenSource();
        var first = connector.TryConnectAsync(hanging.EndPoint, source.Token).AsTask();
        await Until.True(() => connector.InFlight == 1);
        var reservations = Enumerable.Range(0, 20).Select(static _ => Loopback.Refusing()).ToArray();
        var queued = await loop.InvokeAsync(() => reservations.Select(port => connector.TryConnectAsync(port.EndPoint).AsTask()).ToArray()).Within();
        Assert.That(connector.Queued, Is.EqualTo(20));

        await source.CancelAsync();
        await Task.WhenAll(queued.Append(first)).Within();

        Assert.That(order.Skip(1), Is.EqualTo(reservations.Select(static port => port.EndPoint.Port)));
        foreach (var reservation in reservations)
            reservation.Dispose();
    }

    [Test]
    public async Task One_that_is_cancelled_in_the_queue_is_never_dialled()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        var connector = new Connector(loop, new ConnectOptions { MaxInFlight = 1 });
        using var hanging = Loopback.Hanging();
        using var refusing = Loopback.Refusing();
        using var ofFirst = new CancellationTokenSource();
        using var ofSecond = new CancellationTokenSource();
        var first = connector.TryConnectAsync(hanging.EndPoint, ofFirst.Token).AsTask();
        await Until.True(() => connector.InFlight == 1);
        var second = connector.TryConnectAsync(hanging.EndPoint, ofSecond.Token).AsTask();
        await Until.True(() => connector.Queued == 1);
        var third = connector.TryConnectAsync(refusing.EndPoint).AsTask();
        await Until.True(() => connector.Queued == 2);

        await ofSecond.CancelAsync();
        Assert.That((await second.Within()).Outcome, Is.EqualTo(ConnectOutcome.Canceled));
        Assert.That(connector.Queued, Is.EqualTo(1));
        await ofFirst.CancelAsync();
        await first.Within();

        Assert.That((await third.Within()).Outcome, Is.EqualTo(ConnectOutcome.Refused));
        Assert.That(kernel.Count(KernelCall.Connect), Is.EqualTo(2));
    }

    [TestCase(0)]
    [TestCase(-1)]
    public void A_limit_below_one_is_refused_when_it_is_set(int limit) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = new ConnectOptions { MaxInFlight = limit });

    [Test]
    public async Task Each_connector_has_a_limit_of_its_own()
    {
        await using var loop = TestLoop.Start();
        var one = new Connector(loop, new ConnectOptions { MaxInFlight = 1 });
        var other = new Connector(loop, new ConnectOptions { MaxInFlight = 1 });
        using var hanging = Loopback.Hanging();
        using var refusing = Loopback.Refusing();
        using var source = new CancellationTokenSource();
        var held = one.TryConnectAsync(hanging.EndPoint, source.Token).AsTask();
        await Until.True(() => one.InFlight == 1);

        Assert.That((await other.TryConnectAsync(refusing.EndPoint).Within()).Outcome, Is.EqualTo(ConnectOutcome.Refused));

        await source.CancelAsync();
        await held.Within();
    }

    [Test]
    public async Task The_wait_for_a_place_does_not_count_against_the_timeout()
    {
        await using var loop = TestLoop.Start();
        var connector = new Connector(loop, new ConnectOptions { MaxInFlight = 1, ConnectTimeout = TimeSpan.FromMilliseconds(100) });
        using var hanging = Loopback.Hanging();
        var waited = Stopwatch.StartNew();

        var results = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => connector.TryConnectAsync(hanging.EndPoint).AsTask())).Within();

        Assert.That(results.Select(static result => result.Outcome), Is.All.EqualTo(ConnectOutcome.TimedOut));
        Assert.That(results.Select(static result => result.Elapsed), Is.All.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(100)));
        Assert.That(waited.Elapsed, Is.GreaterThanOrEqualTo(TimeSpan.FromMilliseconds(300)), "One after the other, each its whole time.");
    }
}
