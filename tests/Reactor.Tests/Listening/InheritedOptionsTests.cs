using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>
/// An accepted socket has its options from the listening one (socket(7), tcp(7)): nothing is set on it, so there is no call
/// that could fail because the client has reset it already.
/// </summary>
[TestFixture]
public sealed class InheritedOptionsTests
{
    private static readonly ListenOptions _all = new()
    {
        NoDelay = true,
        KeepAlive = new KeepAliveOptions { Idle = TimeSpan.FromSeconds(77), Interval = TimeSpan.FromSeconds(7), Count = 3 },
        UserTimeout = TimeSpan.FromSeconds(55),
        SendBufferSize = 64 * 1024,
        ReceiveBufferSize = 64 * 1024,
        TypeOfService = 0x10,
        OutOfBandInline = true,
    };

    [Test]
    public async Task Accepting_sets_no_option_and_they_hold_all_the_same()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        var accepted = new List<int>();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            accepted.Add(connection.Descriptor);
            await Handlers.Echo(connection);
        }, _all).Within();
        var set = kernel.Count(KernelCall.SetOption);
        Assert.That(set, Is.Positive);

        var peers = Enumerable.Range(0, 10).Select(_ => RawPeer.Dial(listener.LocalEndPoint)).ToArray();
        await Until.True(() => listener.Active == peers.Length);

        Assert.That(kernel.Count(KernelCall.SetOption), Is.EqualTo(set));
        await loop.InvokeAsync(() =>
        {
            foreach (var descriptor in accepted)
                ExpectAll(descriptor);
        }).Within();
        foreach (var peer in peers)
            peer.Dispose();
    }

    [Test]
    public async Task Clients_that_reset_at_once_are_dropped_one_by_one_and_the_next_is_served()
    {
        using var log = new LogRecorder();
        await using var loop = TestLoop.Start(log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, _all).Within();
        using var release = new ManualResetEventSlim();
        loop.Post(() => release.Wait(Until.Limit));
        for (var i = 0; i < 100; i++)
            RawPeer.Dial(listener.LocalEndPoint).Reset();
        using var healthy = RawPeer.Dial(listener.LocalEndPoint);
        release.Set();

        healthy.Send("x");

        Assert.That(healthy.ReadText(1), Is.EqualTo("x"));
        await Until.True(() => loop.Counters.Connections == 1);
        Assert.That(log.Above(Microsoft.Extensions.Logging.LogLevel.Debug), Is.Empty);
        Assert.That(listener.Completion.IsCompleted, Is.False);
    }

    private static void ExpectAll(int descriptor)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(SocketOptions.Get(descriptor, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_NODELAY), Is.Not.Zero);
            Assert.That(SocketOptions.Get(descriptor, SocketOptions.SOL_SOCKET, SocketOptions.SO_KEEPALIVE), Is.Not.Zero);
            Assert.That(SocketOptions.Get(descriptor, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_KEEPIDLE), Is.EqualTo(77));
            Assert.That(SocketOptions.Get(descriptor, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_USER_TIMEOUT), Is.EqualTo(55_000));
            Assert.That(SocketOptions.Get(descriptor, SocketOptions.SOL_SOCKET, SocketOptions.SO_SNDBUF), Is.EqualTo(128 * 1024));
            Assert.That(SocketOptions.Get(descriptor, SocketOptions.SOL_SOCKET, SocketOptions.SO_OOBINLINE), Is.Not.Zero);
            Assert.That(SocketOptions.Get(descriptor, SocketOptions.IPPROTO_IP, SocketOptions.IP_TOS), Is.EqualTo(0x10));
        }
    }
}
