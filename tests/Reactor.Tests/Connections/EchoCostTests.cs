using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What an echo costs in the steady state: one recv, one send, no byte on the heap.</summary>
[TestFixture]
public sealed class EchoCostTests
{
    private const int WarmUp = 2_000;
    private const int Echoes = 10_000;

    // The runtime's own tables, of casts say, grow now and then on whichever thread it is. What we allocate shows in each stretch.
    private const int Stretches = 3;

    [Test]
    public async Task An_echo_is_one_recv_and_one_send()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        Echo(peer, 10);
        var before = Counts(kernel);

        Echo(peer, 1_000);

        var after = Counts(kernel);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(after.Receives - before.Receives, Is.EqualTo(1_000));
            Assert.That(after.Sends - before.Sends, Is.EqualTo(1_000));
            Assert.That(after.Gathers - before.Gathers, Is.Zero);
            Assert.That(after.Controls - before.Controls, Is.Zero, "No interest is switched on or off.");
            Assert.That(after.Waits - before.Waits, Is.EqualTo(1_000).Within(5));
        }
    }

    [Test]
    public async Task An_echo_allocates_not_one_byte_on_the_loop()
    {
        var kernel = new ScriptedKernel();
        var allocated = MeasureFromReceiveToReceive(kernel);
        await using var loop = TestLoop.Start(kernel);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        Echo(peer, WarmUp + (Stretches * Echoes) + 1);

        Assert.That(await allocated.Within(), Is.Zero, $"Bytes for {Echoes} echoes.");
    }

    [Test]
    public async Task A_round_trip_of_a_dialled_connection_allocates_not_one_byte_on_the_loop()
    {
        var kernel = new ScriptedKernel();
        var allocated = MeasureFromReceiveToReceive(kernel);
        await using var server = TestLoop.Start();
        await using var client = TestLoop.Start(kernel);
        await using var listener = await server.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        await using var connection = await client.ConnectAsync(listener.LocalEndPoint).Within();

        // Twice, since a connect that answers at once leaves a first receive that finds nothing yet.
        await client.InvokeAsync(() => RoundTrips(connection, "hello\n"u8.ToArray(), 2 * (WarmUp + (Stretches * Echoes)))).WaitAsync(TimeSpan.FromMinutes(1));

        Assert.That(await allocated.Within(), Is.Zero, $"Bytes for {Echoes} round trips.");
    }

    /// <summary>Asked on the loop's thread and in its own calls, so that the asking allocates nothing either.</summary>
    private static Task<long> MeasureFromReceiveToReceive(ScriptedKernel kernel)
    {
        var measured = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        var receives = 0;
        var (before, least) = (0L, long.MaxValue);
        kernel.OnReceive = (descriptor, buffer) =>
        {
            if (++receives >= WarmUp && (receives - WarmUp) % Echoes == 0)
            {
                var now = GC.GetAllocatedBytesForCurrentThread();
                if (receives > WarmUp)
                    least = Math.Min(least, now - before);
                if (receives == WarmUp + (Stretches * Echoes))
                    measured.SetResult(least);
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            return kernel.Real.Receive(descriptor, buffer);
        };
        return measured.Task;
    }

    private static async Task RoundTrips(Connection connection, byte[] message, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await connection.Output.WriteAsync(message);
            for (var got = 0L; got < message.Length;)
            {
                var read = await connection.Input.ReadAsync();
                got += read.Buffer.Length;
                connection.Input.AdvanceTo(read.Buffer.End);
            }
        }
    }

    private static void Echo(RawPeer peer, int times)
    {
        Span<byte> message = stackalloc byte[64];
        for (var i = 0; i < times; i++)
        {
            peer.Send(message);
            peer.ReadExactly(message);
        }
    }

    private static (int Receives, int Sends, int Gathers, int Controls, int Waits) Counts(ScriptedKernel kernel) => (
        kernel.Count(KernelCall.Receive),
        kernel.Count(KernelCall.Send),
        kernel.Count(KernelCall.Gather),
        kernel.Count(KernelCall.Add) + kernel.Count(KernelCall.Remove),
        kernel.Count(KernelCall.Wait));
}
