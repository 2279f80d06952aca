using System.Diagnostics;
using System.Text;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Another thread takes what is buffered while the loop closes the connection and gives its buffers to others.</summary>
[TestFixture]
public sealed class ReadElsewhereWhileClosingTests
{
    private const int Connections = 100;
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(1);

    [TestCase(true)]
    [TestCase(false)]
    public async Task It_gets_the_very_bytes_or_is_told_of_the_end(bool tryRead)
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();
        var odd = new List<string>();
        var taken = 0;
        for (var running = Stopwatch.StartNew(); running.Elapsed < Enough && odd.Count == 0;)
        {
            var peers = new List<RawPeer>();
            var connections = new List<Connection>();
            for (var i = 0; i < Connections; i++)
            {
                connections.Add(await loop.ConnectAsync(listener.LocalEndPoint).Within());
                peers.Add(listener.Accept());
                peers[i].Send("abcdef");
                var read = await connections[i].Input.ReadAtLeastAsync(6).Within();
                connections[i].Input.AdvanceTo(read.Buffer.GetPosition(1));
            }

            // The reader stays with each connection until it is told of its end, so every close meets it in the middle of a read.
            using var both = new Barrier(2);
            var reading = Task.Run(async () =>
            {
                both.SignalAndWait();
                foreach (var connection in connections)
                    taken += await ReadToTheEnd(connection, tryRead, odd);
            });
            await loop.InvokeAsync(() =>
            {
                both.SignalAndWait();
                foreach (var connection in connections)
                {
                    connection.Abort();
                    _ = connection.CloseAsync().AsTask();

                    // Who rents next gets what was given back, and writes into it.
                    var next = loop.Segments.Rent();
                    next.Free.Fill((byte)'!');
                    loop.Segments.Return(next);
                }
            }).Within();

            await reading.Within();
            foreach (var peer in peers)
                peer.Dispose();
        }

        Assert.That(odd, Is.Empty);
        Assert.That(taken, Is.GreaterThan(0), "The test's own premise.");
    }

    private static async Task<int> ReadToTheEnd(Connection connection, bool tryRead, List<string> odd)
    {
        for (var taken = 0; ; taken++)
        {
            try
            {
                System.IO.Pipelines.ReadResult read;
                if (!tryRead)
                    read = await connection.Input.ReadAsync();
                else if (!connection.Input.TryRead(out read))
                    return taken;
                var text = Encoding.Latin1.GetString(read.Buffer);
                if (!string.Equals(text, "bcdef", StringComparison.Ordinal))
                    odd.Add($"bytes {text}");
                connection.Input.AdvanceTo(read.Buffer.Start);
            }
            catch (Exception told) when (told is ConnectionException or InvalidOperationException)
            {
                return taken;
            }
            catch (Exception exception)
            {
                odd.Add(exception.ToString());
                return taken;
            }
        }
    }
}
