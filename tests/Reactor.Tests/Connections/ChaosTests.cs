using System.Buffers;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Many connections whose two ends do what they like, on the loop and elsewhere: every wait ends, and nothing is left.</summary>
[TestFixture]
public sealed class ChaosTests
{
    private const int Workers = 32;
    private const int Rounds = 120;

    [TestCase(2)]
    [TestCase(256)]
    public async Task Whatever_both_ends_do_every_wait_ends_and_nothing_is_left(int eventsPerTurn)
    {
        var random = Seed.NewRandom();
        using var log = new LogRecorder();
        await using var server = TestLoop.Start(eventsPerTurn: eventsPerTurn, log: log);
        await using var client = TestLoop.Start(eventsPerTurn: eventsPerTurn, log: log);
        var handling = new Random(random.Next());
        await using var listener = await server.ListenAsync(Loopback.AnyPort, connection => Serve(connection, new Random(handling.Next()))).Within();
        var seeds = Enumerable.Range(0, Workers).Select(_ => random.Next()).ToArray();

        await Task.WhenAll(seeds.Select((seed, worker) => worker % 2 == 0
            ? Task.Run(() => Work(client, listener, new Random(seed)))
            : client.InvokeAsync(() => Work(client, listener, new Random(seed))))).WaitAsync(TimeSpan.FromMinutes(1));

        await Until.True(() => server.Counters.Connections == 0 && client.Counters.Connections == 0);
        await Until.True(() => server.Counters.RentedBuffers == 0 && client.Counters.RentedBuffers == 0);
        Assert.That(log.Lines.Where(static line => line.Exception is not (null or InvalidDataException)).Select(static line => $"{line.Text} {line.Exception}"), Is.Empty);
    }

    private static async Task Work(EventLoop loop, Listener listener, Random random)
    {
        for (var round = 0; round < Rounds; round++)
        {
            // A server that aborts at once may be faster than our look at SO_ERROR.
            var result = await loop.TryConnectAsync(listener.LocalEndPoint);
            if (result.Connection is not { } connection)
            {
                Assert.That(result.Errno, Is.EqualTo(Errno.ECONNRESET));
                continue;
            }

            try
            {
                for (var step = random.Next(1, 6); step > 0; step--)
                    await Step(connection, random);
            }
            catch (Exception told) when (told is ConnectionException or InvalidOperationException or OperationCanceledException)
            {
                // Told is all that it has to be.
            }

            if (random.Next(4) == 0)
                connection.Abort();
            await connection.CloseAsync();
        }
    }

    private static async Task Step(Connection connection, Random random)
    {
        switch (random.Next(8))
        {
            case 0:
                await connection.Output.WriteAsync(new byte[random.Next(1, 200_000)]);
                break;
            case 1:
                connection.Output.Write(new byte[random.Next(1, 5_000)]);
                await connection.Output.FlushAsync();
                break;
            case 2:
                await ReadWith(connection, random, () => connection.Input.CancelPendingRead());
                break;
            case 3:
                using (var source = new CancellationTokenSource())
                    await ReadWith(connection, random, source.Cancel, source.Token);
                break;
            case 4:
                await ReadWith(connection, random, connection.Abort);
                break;
            case 5:
                await ReadWith(connection, random, () => _ = connection.CloseAsync().AsTask());
                break;
            case 6:
                connection.ShutdownSend();
                break;
            default:
                var writing = connection.Output.WriteAsync(new byte[300_000]).AsTask();
                _ = Task.Run(connection.Output.CancelPendingFlush);
                await writing;
                break;
        }
    }

    /// <summary>A read that somebody else ends, before, during or after it.</summary>
    private static async Task ReadWith(Connection connection, Random random, Action end, CancellationToken cancellationToken = default)
    {
        var spins = random.Next(2_000);
        var ending = Task.Run(() =>
        {
            Thread.SpinWait(spins);
            end();
        }, CancellationToken.None);
        try
        {
            var read = await connection.Input.ReadAsync(cancellationToken);
            connection.Input.AdvanceTo(read.Buffer.End);
        }
        finally
        {
            await ending;
        }
    }

    private static async Task Serve(Connection connection, Random random)
    {
        switch (random.Next(7))
        {
            case 0:
                return;
            case 1:
                throw new InvalidDataException("chaos");
            case 2:
                connection.Abort();
                return;
            case 3:
                await connection.Output.WriteAsync(new byte[random.Next(1, 300_000)]);
                return;
            case 4:
                await Handlers.Discard(connection);
                return;
            case 5:
                await Task.Yield();
                connection.ShutdownSend();
                await Handlers.Discard(connection);
                return;
            default:
                await Handlers.Echo(connection);
                return;
        }
    }
}
