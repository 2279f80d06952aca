using System.Runtime.InteropServices;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Buffers that other threads give back are kept for the next who rents there, and not all of them for ever.</summary>
[TestFixture]
public sealed class BuffersGivenBackElsewhereTests
{
    private const int MostKept = 64;

    [Test]
    public async Task After_hundreds_of_readers_off_the_loop_only_some_of_their_buffers_are_kept()
    {
        const int readers = 300;
        DescriptorLimit.NeedOrSkip((2 * readers) + 500);
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start(backlog: readers);
        var connections = new List<Connection>();
        var buffers = new HashSet<byte[]>();
        for (var i = 0; i < readers; i++)
        {
            connections.Add(await loop.ConnectAsync(listener.LocalEndPoint).Within());
            using var peer = listener.Accept();
            peer.Send("x");
        }

        // All are out at once, and all come back from here.
        var reads = new List<System.IO.Pipelines.ReadResult>();
        foreach (var connection in connections)
        {
            reads.Add(await connection.Input.ReadAsync().Within());
            buffers.Add(ArrayOf(reads[^1].Buffer.First));
        }

        Assert.That(buffers, Has.Count.EqualTo(readers), "The test's own premise.");
        Assert.That(loop.IsOnLoop, Is.False);
        for (var i = 0; i < readers; i++)
            connections[i].Input.AdvanceTo(reads[i].Buffer.End);

        var rented = Enumerable.Range(0, readers).Select(_ => loop.Segments.Rent()).ToArray();
        Assert.That(rented.Count(segment => buffers.Contains(ArrayOf(segment.FreeMemory))), Is.InRange(1, MostKept));
        foreach (var _ in rented)
            loop.Segments.Abandon();
        foreach (var connection in connections)
            await connection.CloseAsync().Within();
        Assert.That(loop.Counters.RentedBuffers, Is.Zero);
    }

    [Test]
    public async Task Those_that_are_kept_are_rented_again_on_the_loop_too()
    {
        await using var loop = TestLoop.Start();
        var segment = loop.Segments.Rent();
        segment.Fill(5);

        loop.Segments.Return(segment);
        var again = await loop.InvokeAsync(() => loop.Segments.Rent()).Within();

        Assert.That(again, Is.SameAs(segment));
        Assert.That(again.End, Is.Zero);
        loop.Segments.Return(again);
    }

    private static byte[] ArrayOf(ReadOnlyMemory<byte> memory) =>
        MemoryMarshal.TryGetArray(memory, out var array) ? array.Array! : throw new InvalidOperationException("Every buffer is an array.");
}
