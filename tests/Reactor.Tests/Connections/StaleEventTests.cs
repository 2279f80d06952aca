using System.Globalization;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>An event that is under way for a socket that is closed meanwhile, and whose descriptor somebody else has got.</summary>
[TestFixture]
public sealed class StaleEventTests
{
    [Test]
    public async Task Closing_A_while_B_is_handled_in_the_same_batch_gives_C_on_the_same_descriptor_nothing_of_A()
    {
        var kernel = new ScriptedKernel();
        var tokens = new Dictionary<int, Token>();
        kernel.OnAdd = (descriptor, token) =>
        {
            tokens[descriptor] = token;
            return kernel.RealPoller!.Add(descriptor, token);
        };
        await using var loop = TestLoop.Start(kernel, eventsPerTurn: 16);
        using var listener = RawListener.Start();
        await using var a = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        using var peerOfA = listener.Accept();
        await using var b = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        using var peerOfB = listener.Accept();
        var (descriptorOfA, descriptorOfB) = await loop.InvokeAsync(() => (a.Descriptor, b.Descriptor)).Within();
        Connection? c = null;

        // B's handler closes A and dials C, which gets A's descriptor.
        var handling = loop.InvokeAsync(async () =>
        {
            var read = await b.Input.ReadAsync();
            b.Input.AdvanceTo(read.Buffer.End);
            await a.CloseAsync();
            c = await loop.ConnectAsync(listener.LocalEndPoint);
        });
        var tokenOfA = tokens[descriptorOfA];
        await loop.Settled();

        // Both have news, and the batch says B first, then A: bytes, end, error, all at once.
        kernel.OnWait = (events, timeoutMs) =>
        {
            kernel.OnWait = null;
            events[0] = new PollEvent(tokens[descriptorOfB], Readiness.Readable);
            events[1] = new PollEvent(tokenOfA, Readiness.Readable | Readiness.Writable | Readiness.ReadClosed | Readiness.HangUp | Readiness.Error);
            return 2;
        };
        peerOfB.Send("go");
        loop.Post(static () => { });
        await handling.Within();
        using var peerOfC = listener.Accept();

        Assert.That(await loop.InvokeAsync(() => c!.Descriptor).Within(), Is.EqualTo(descriptorOfA), "The test's own premise.");
        Assert.That(tokens[descriptorOfA], Is.Not.EqualTo(tokenOfA));
        await loop.Settled();
        Assert.That(c!.CloseReason, Is.EqualTo(CloseReason.None));
        peerOfC.Send("mine");
        var got = await c.Input.ReadAtLeastAsync(4).Within();
        Assert.That(got.Buffer.Length, Is.EqualTo(4));
        c.Input.AdvanceTo(got.Buffer.End);
        await c.CloseAsync().Within();
    }

    [Test]
    public async Task Events_for_tokens_that_nobody_has_are_harmless()
    {
        var kernel = new ScriptedKernel();
        var spurious = new SpuriousEvents(kernel);
        await using var wire = await Wire.Dial(kernel);
        var all = Enum.GetValues<Readiness>().Aggregate(static (left, right) => left | right);

        foreach (var token in (Token[])[default, new(0, 999), new(99_999, 1), new(uint.MaxValue, uint.MaxValue), spurious.LastAdded with { Generation = spurious.LastAdded.Generation + 1 }])
            spurious.Give(token, all);
        await wire.Settled();

        wire.Peer.Send("fine");
        Assert.That(await wire.ReadText(4), Is.EqualTo("fine"));
    }

    [Test]
    public async Task A_spurious_event_for_a_connection_in_any_state_is_harmless()
    {
        var kernel = new ScriptedKernel();
        var spurious = new SpuriousEvents(kernel);
        await using var wire = await Wire.Dial(kernel);
        for (var readiness = 0; readiness < 64; readiness++)
        {
            // Idle, then with a read pending, then with a buffer out.
            spurious.Give((Readiness)readiness);
            await wire.Settled();
            var reading = wire.Connection.Input.ReadAsync().AsTask();
            spurious.Give((Readiness)readiness);
            await wire.Settled();
            Assert.That(reading.IsCompleted, Is.False);
            wire.Peer.Send("ab");
            var read = await reading.Within();
            spurious.Give((Readiness)readiness);
            await wire.Settled();
            wire.Connection.Input.AdvanceTo(read.Buffer.End);
            if (read.Buffer.Length == 1)
                Assert.That(await wire.ReadText(1), Is.EqualTo("b"));
        }

        Assert.That(wire.Connection.CloseReason, Is.EqualTo(CloseReason.None));
        Assert.That(wire.Loop.Counters.BytesReceived, Is.EqualTo(128));
    }

    [Test]
    public async Task Connections_that_come_and_go_in_batches_of_two_get_only_their_own_bytes()
    {
        var random = Seed.NewRandom();
        await using var server = TestLoop.Start(eventsPerTurn: 2);
        await using var client = TestLoop.Start(eventsPerTurn: 2);
        await using var listener = await server.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        var seeds = Enumerable.Range(0, 32).Select(_ => random.Next()).ToArray();

        await client.InvokeAsync(() => Task.WhenAll(seeds.Select(async (seed, who) =>
        {
            var mine = new Random(seed);
            for (var round = 0; round < 50; round++)
            {
                await using var connection = await client.ConnectAsync(listener.LocalEndPoint);
                var message = System.Text.Encoding.ASCII.GetBytes($"{who.ToString(CultureInfo.InvariantCulture)}/{round.ToString(CultureInfo.InvariantCulture)}");
                await connection.Output.WriteAsync(message);
                var read = await connection.Input.ReadAtLeastAsync(message.Length);
                Assert.That(System.Buffers.BuffersExtensions.ToArray(read.Buffer), Is.EqualTo(message));
                connection.Input.AdvanceTo(read.Buffer.End);
                if (mine.Next(2) == 0)
                    connection.Abort();
            }
        }))).WaitAsync(TimeSpan.FromMinutes(1));

        await Until.True(() => server.Counters.Connections == 0);
    }

    [Test]
    public async Task A_descriptor_that_a_child_process_inherited_gives_no_events_after_it_was_closed_here()
    {
        await using var wire = await Wire.Dial();

        // A duplicate keeps the socket alive behind the closed descriptor, as one in a child process would.
        using var duplicate = await wire.Loop.InvokeAsync(() => Duplicate.Of(wire.Connection.Descriptor)).Within();
        await wire.Connection.CloseAsync().Within();
        await wire.Loop.After(TimeSpan.FromMilliseconds(10));
        var turns = wire.Loop.Counters.Turns;

        for (var i = 0; i < 20; i++)
            wire.Peer.Send("to nobody");
        wire.Peer.HalfClose();
        await wire.Loop.After(TimeSpan.FromMilliseconds(50));

        Assert.That(wire.Loop.Counters.Turns - turns, Is.LessThan(10));
        Assert.That(wire.Loop.Counters.BytesReceived, Is.Zero);
    }

    [Test]
    public async Task Every_descriptor_is_close_on_exec()
    {
        var before = Descriptors.OfNetwork();
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        await Until.True(() => loop.Counters.Connections == 2);

        var ours = Descriptors.OfNetwork().Except(before, StringComparer.Ordinal).Select(static line => line.Split(' ')[0]).ToArray();

        // epoll, eventfd, listener, two connections; the listener's reserve is no socket.
        Assert.That(ours, Has.Length.GreaterThanOrEqualTo(5));
        foreach (var descriptor in ours)
        {
            var flags = File.ReadLines($"/proc/self/fdinfo/{descriptor}").Single(static line => line.StartsWith("flags:", StringComparison.Ordinal));
            Assert.That(Convert.ToInt32(flags["flags:".Length..].Trim(), 8) & 0x80000, Is.Not.Zero, $"O_CLOEXEC of {descriptor}");
        }
    }
}
