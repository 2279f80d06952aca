using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Nobody starves: not sockets by posts, not timers by sockets, not a thousand quiet ones by one that floods.</summary>
[TestFixture]
public sealed class FairnessTests
{
    [Test]
    public async Task A_flooding_connection_leaves_timers_and_posts_their_turns()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Discard).Within();
        using var flood = Flood(listener);

        for (var i = 0; i < 20; i++)
        {
            await loop.After(TimeSpan.FromMilliseconds(1));
            await loop.InvokeAsync(static () => { }).Within();
        }

        Assert.That(loop.Counters.BytesReceived, Is.GreaterThan(0));
    }

    [Test]
    public async Task A_connection_over_its_budget_goes_to_the_back_of_the_queue()
    {
        // All that is received is there at once; the budget and nothing else ends its turn.
        var kernel = new ScriptedKernel();
        var inTurn = 0;
        var most = 0;
        kernel.OnReceive = (_, buffer) =>
        {
            most = Math.Max(most, ++inTurn);
            return buffer.Length;
        };
        kernel.OnWait = (events, timeoutMs) =>
        {
            inTurn = 0;
            return kernel.RealPoller!.Wait(events, timeoutMs);
        };
        await using var wire = await Wire.Dial(kernel);
        wire.Peer.Send("begin");

        var read = 0L;
        await wire.Loop.InvokeAsync(async () =>
        {
            while (read < 50_000_000)
            {
                var result = await wire.Connection.Input.ReadAsync();
                read += result.Buffer.Length;
                wire.Connection.Input.AdvanceTo(result.Buffer.End);
            }
        }).Within();

        // 256 KiB or 32 calls a turn, and a little more where a turn spans two phases.
        Assert.That(most, Is.LessThanOrEqualTo(70));
        kernel.OnReceive = static (_, _) => 0;
    }

    [Test]
    public async Task One_flooding_connection_does_not_starve_a_thousand_quiet_ones()
    {
        KqueueLibrary.RequireRoomForThousands();
        const int quiet = 1_000;
        await using var server = TestLoop.Start();
        await using var client = TestLoop.Start();
        await using var floodListener = await server.ListenAsync(Loopback.AnyPort, Handlers.Discard).Within();
        await using var listener = await server.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var flood = Flood(floodListener);
        await Until.True(() => server.Counters.BytesReceived > 1_000_000);
        var dialling = Enumerable.Range(0, quiet).Select(_ => client.ConnectAsync(listener.LocalEndPoint).AsTask()).ToArray();
        var connections = await Task.WhenAll(dialling).Within();
        var before = server.Counters.BytesReceived;

        await client.InvokeAsync(() => Task.WhenAll(connections.Select(static async connection =>
        {
            for (var i = 0; i < 5; i++)
            {
                await connection.Output.WriteAsync("hello"u8.ToArray());
                var read = await connection.Input.ReadAtLeastAsync(5);
                connection.Input.AdvanceTo(read.Buffer.End);
            }
        }))).Within();

        var flooded = server.Counters.BytesReceived - before;
        TestContext.Out.WriteLine($"{quiet * 5} echoes beside {flooded / 1_000_000} MB of flood");
        await client.InvokeAsync(() => Task.WhenAll(connections.Select(static connection => connection.CloseAsync().AsTask()))).Within();
    }

    [Test]
    public async Task A_long_synchronous_chain_of_writes_lets_others_have_their_turn()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Chargen).Within();
        using var greedy = RawPeer.Dial(listener.LocalEndPoint);
        using var stop = new CancellationTokenSource();
        var draining = Task.Factory.StartNew(
            () =>
            {
                var buffer = new byte[1024 * 1024];
                while (!stop.IsCancellationRequested && greedy.Read(buffer) > 0)
                {
                    // As fast as it can, so that the writer never meets EAGAIN for long.
                }
            },
            TaskCreationOptions.LongRunning);

        for (var i = 0; i < 50; i++)
            await loop.InvokeAsync(static () => { }).Within();

        await stop.CancelAsync();
        greedy.Reset();
        try
        {
            await draining.Within();
        }
        catch (Exception closed) when (closed is System.Net.Sockets.SocketException or ObjectDisposedException)
        {
            // Its socket was closed under its hands.
        }
    }

    private static Flooding Flood(Listener listener) => new(RawPeer.Dial(listener.LocalEndPoint));

    /// <summary>Sends without end on a thread of its own.</summary>
    private sealed class Flooding : IDisposable
    {
        private readonly RawPeer _peer;
        private readonly Task _sending;
        private volatile bool _stop;

        public Flooding(RawPeer peer)
        {
            _peer = peer;
            _sending = Task.Factory.StartNew(
                () =>
                {
                    var block = new byte[256 * 1024];
                    while (!_stop)
                        _peer.Send(block);
                },
                TaskCreationOptions.LongRunning);
        }

        public void Dispose()
        {
            _stop = true;
            _sending.GetAwaiter().GetResult();
            _peer.Dispose();
        }
    }
}
