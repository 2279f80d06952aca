using System.Buffers;

namespace Reactor.Tests;

/// <summary>
/// A connection that several threads use at once. What the contract allows to one at a time has an owner; all else anybody does
/// whenever he likes. All that is sent on it, in either direction, is one byte over and over, which no neighbour has.
/// </summary>
/// <param name="connection">The connection.</param>
/// <param name="value">The byte.</param>
/// <param name="isServed">Whether a handler owns its reads and flushes for good.</param>
internal sealed class StressConnection(Connection connection, byte value, bool isServed)
{
    // Old enough for something to have happened on it, young enough for all to happen in a few seconds.
    private const int OldMs = 250;

    private readonly long _bornMs = Environment.TickCount64;
    private int _reading = isServed ? 1 : 0;
    private int _flushing = isServed ? 1 : 0;

    public Connection Connection => connection;

    public byte Value => value;

    public bool IsOld => connection.CloseReason != CloseReason.None || Environment.TickCount64 - _bornMs > OldMs;

    /// <summary>Set before anybody completes the input: from then on reading is a mistake that is told.</summary>
    public bool IsInputCompleted { get; set; }

    /// <summary>Set before anybody completes the output: from then on writing is a mistake that is told.</summary>
    public bool IsOutputCompleted { get; set; }

    /// <summary>
    /// Whether a read has examined more than it consumed. What the pipes' own library builds on top does not reckon with that: it
    /// examines no more than it consumes, which then is a step back and refused, as a Pipe refuses it. Of the one who reads.
    /// </summary>
    public bool IsExaminedAhead { get; set; }

    /// <summary>Does something that only one may do at a time with the input; nothing when somebody does.</summary>
    public Task Reading(Func<Task> work) => Owning(ref _reading, () => Volatile.Write(ref _reading, 0), work);

    /// <summary>Does something that only one may do at a time with the output; nothing when somebody does.</summary>
    public Task Flushing(Func<Task> work) => Owning(ref _flushing, () => Volatile.Write(ref _flushing, 0), work);

    /// <summary>Looks for bytes that are of another connection, or of nobody.</summary>
    public void Check(in ReadOnlySequence<byte> bytes)
    {
        foreach (var memory in bytes)
        {
            if (memory.Span.IndexOfAnyExcept(value) is >= 0 and var wrong)
                throw new AssertionException($"{connection} has only {value} sent on it, and received {memory.Span[wrong]}.");
        }
    }

    private static Task Owning(ref int owned, Action disown, Func<Task> work)
    {
        return Interlocked.Exchange(ref owned, 1) == 0 ? Own(disown, work) : Task.CompletedTask;

        static async Task Own(Action disown, Func<Task> work)
        {
            try
            {
                await work();
            }
            finally
            {
                disown();
            }
        }
    }
}
