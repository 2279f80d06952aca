using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>
/// Echo traffic over a kernel that misbehaves by chance: what arrives is what was sent, all of it where no connection was
/// killed, and everything is back at the end.
/// </summary>
[TestFixture]
public sealed class SwarmTests
{
    // New rounds begin until then; what has begun goes on to its end.
    private static readonly TimeSpan _time = TimeSpan.FromSeconds(1);

    // How the accepted connections ended, by the address of who dialled; without an entry it never reached the handler.
    private readonly ConcurrentDictionary<EndPoint, Connection> _served = new();

    private SwarmKnobs _knobs = null!;
    private int _completed;

    [Test]
    public async Task Whatever_the_system_does_what_arrives_is_what_was_sent([Range(1, 5)] int swarm)
    {
        var random = Seed.NewRandom();
        _knobs = SwarmKnobs.Draw(random);
        await TestContext.Out.WriteLineAsync($"swarm {swarm}: {_knobs}");
        _served.Clear();
        _completed = 0;
        using var directory = new ScratchDirectory();
        var kernel = new FaultyKernel();
        await using var server = TestLoop.Start(kernel, eventsPerTurn: _knobs.EventsPerTurn);
        await using var client = TestLoop.Start(kernel, _knobs.Connect, eventsPerTurn: _knobs.EventsPerTurn);
        EndPoint at = _knobs.IsUnix ? new UnixDomainSocketEndPoint(directory.File("s")) : Loopback.AnyPort;
        await using var listener = await server.ListenAsync(at, Serve, _knobs.Listen).Within();
        kernel.Rates = _knobs.Rates;

        var running = Stopwatch.StartNew();
        var seeds = Enumerable.Range(0, _knobs.Connections).Select(_ => random.Next()).ToArray();
        await Task.WhenAll(seeds.Select(async seed =>
        {
            var own = new Random(seed);
            do
            {
                var sessionSeed = own.Next();
                await (own.Next(2) == 0 ? client.InvokeAsync(() => Talk(client, listener, sessionSeed)) : Task.Run(() => Talk(client, listener, sessionSeed)));
            }
            while (running.Elapsed < _time);
        })).Within($"all connections of {_knobs}");

        kernel.Clear();
        await Until.True(() => server.Counters is { Connections: 0, RentedBuffers: 0, Timers: 0, Registrations: 1 }, what: $"the server is idle, after {_knobs}");
        await Until.True(() => client.Counters is { Connections: 0, RentedBuffers: 0, Timers: 0, Registrations: 0 }, what: $"the client is idle, after {_knobs}");
        await Talk(client, listener, seed: 1).Within("a connection when all faults are over");
        Assert.That(_completed, Is.Positive);
        await TestContext.Out.WriteLineAsync($"{kernel.Faults} faults, {_completed} connections complete");
    }

    private async Task Serve(Connection connection)
    {
        if (connection.RemoteEndPoint is { } remote) _served[remote] = connection;
        await Handlers.Echo(connection);
    }

    /// <summary>One connection: dials, sends, ends its side, and looks at everything that comes back.</summary>
    private async Task Talk(EventLoop loop, Listener listener, int seed)
    {
        var random = new Random(seed);
        var result = await loop.TryConnectAsync(listener.LocalEndPoint);
        if (result.Connection is not { } connection)
        {
            Assert.That(_knobs.IsDeadly, Is.True, $"{result}, with {_knobs}");
            return;
        }

        var bytes = new byte[random.Next(1, _knobs.MostBytes + 1)];
        random.NextBytes(bytes);
        var sending = Send(connection, bytes, random);
        var received = 0;
        Exception? told = null;
        try
        {
            while (true)
            {
                var read = await connection.Input.ReadAsync();
                foreach (var segment in read.Buffer)
                {
                    Assert.That(received + segment.Length, Is.LessThanOrEqualTo(bytes.Length), $"More came back than was sent, with {_knobs}");
                    Assert.That(segment.Span.SequenceEqual(bytes.AsSpan(received, segment.Length)), Is.True, $"Other bytes came back, after {received}, with {_knobs}");
                    received += segment.Length;
                }

                connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted) break;
            }
        }
        catch (ConnectionException exception)
        {
            told = exception;
        }

        told ??= await sending;
        await connection.CloseAsync();
        await sending;

        Assert.That((told as ConnectionException)?.Errno, Is.Not.AnyOf(Errno.EINTR, Errno.EAGAIN), $"After these one goes on, with {_knobs}");
        if (received == bytes.Length) Interlocked.Increment(ref _completed);
        else Assert.That(IsExcused(connection, told), Is.True, $"{received} of {bytes.Length} bytes came back and nobody knows why ({told?.Message ?? "no error"}), with {_knobs}");
    }

    private async Task<Exception?> Send(Connection connection, ReadOnlyMemory<byte> bytes, Random random)
    {
        try
        {
            while (!bytes.IsEmpty)
            {
                var piece = bytes[..Math.Min(bytes.Length, random.Next(1, _knobs.MostBytesAtOnce + 1))];
                await connection.Output.WriteAsync(piece);
                bytes = bytes[piece.Length..];
            }

            connection.ShutdownSend();
            return null;
        }
        catch (ConnectionException exception)
        {
            return exception;
        }
    }

    // A Unix-domain client has no address to be known by.
    private bool IsExcused(Connection connection, Exception? told)
    {
        if (!_knobs.IsDeadly) return false;
        if (told is not null || connection.LocalEndPoint is not IPEndPoint local || !_served.TryGetValue(local, out var served)) return true;
        return served.CloseReason is not (CloseReason.None or CloseReason.ClosedLocally or CloseReason.ClosedByPeer);
    }
}
