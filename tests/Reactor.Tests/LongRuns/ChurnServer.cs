using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Pipelines;

namespace Reactor.Tests;

/// <summary>What the serving end of a conversation is to do; the client asks for it in the first bytes.</summary>
internal enum ChurnRole
{
    /// <summary>Sends back what comes, until the client ends its side.</summary>
    Echo,

    /// <summary>The same, and aborts after so many bytes.</summary>
    EchoThenAbort,

    /// <summary>The same, and closes after so many bytes.</summary>
    EchoThenClose,

    /// <summary>The same, and throws after so many bytes.</summary>
    EchoThenThrow,

    /// <summary>Sends so many bytes, ends its own side, and goes on receiving.</summary>
    SendThenEnd,

    /// <summary>Sends for as long as the connection lives, and then gives the signal.</summary>
    SendForEver,

    /// <summary>Reads nothing until the connection has ended or the signal comes, for an end that lies behind unread bytes is not always seen.</summary>
    NeverRead,

    /// <summary>Sends back the stream, and each urgent byte as an urgent byte.</summary>
    EchoUrgent,
}

/// <summary>Thrown by a handler on purpose.</summary>
internal sealed class ChurnException : Exception
{
    public ChurnException()
        : base("The client asked for it.")
    {
    }
}

/// <summary>The serving end of every conversation.</summary>
/// <param name="fail">Where wrong bytes are told.</param>
/// <param name="signals">By the seeds of the conversations, those between their two ends.</param>
internal sealed class ChurnServer(Action<string> fail, ConcurrentDictionary<int, TaskCompletionSource> signals)
{
    /// <summary>Role, amount and seed, four bytes each.</summary>
    public const int HeaderSize = 12;

    public static void WriteHeader(Span<byte> header, ChurnRole role, int amount, int seed)
    {
        BinaryPrimitives.WriteInt32LittleEndian(header, (int)role);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], amount);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], seed);
    }

    /// <summary>Done when the connection has ended.</summary>
    public static Task Ended(Connection connection)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.Closed.UnsafeRegister(static ended => ((TaskCompletionSource)ended!).TrySetResult(), ended);
        return ended.Task;
    }

    public async Task Serve(Connection connection)
    {
        var read = await connection.Input.ReadAtLeastAsync(HeaderSize);
        if (read.Buffer.Length < HeaderSize)
        {
            // The client has said nothing and left.
            connection.Input.AdvanceTo(read.Buffer.End);
            return;
        }

        var header = read.Buffer.Slice(0, HeaderSize).ToArray();
        connection.Input.AdvanceTo(read.Buffer.GetPosition(HeaderSize));
        var role = (ChurnRole)BinaryPrimitives.ReadInt32LittleEndian(header);
        var amount = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(4));
        var seed = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(8));
        var pattern = new Pattern(seed);

        // There is none when the client has gone already.
        var signal = signals.GetValueOrDefault(seed);
        switch (role)
        {
            case ChurnRole.EchoThenAbort:
                await Echo(connection, amount);
                connection.Abort();
                return;
            case ChurnRole.EchoThenClose:
                await Echo(connection, amount);
                return;
            case ChurnRole.EchoThenThrow:
                await Echo(connection, amount);
                throw new ChurnException();
            case ChurnRole.SendThenEnd:
                await Send(connection, pattern, amount);
                connection.ShutdownSend();
                await ReceiveToEnd(connection, pattern);
                return;
            case ChurnRole.SendForEver:
                try
                {
                    await Send(connection, pattern, long.MaxValue);
                }
                finally
                {
                    signal?.TrySetResult();
                }

                return;
            case ChurnRole.NeverRead:
                if (signal is not null)
                    await Task.WhenAny(Ended(connection), signal.Task);
                await ReceiveToEnd(connection, pattern);
                return;
            case ChurnRole.EchoUrgent:
                var echoing = Handlers.Echo(connection);
                while (await connection.ReceiveUrgentAsync() is { } value)
                    await connection.SendUrgentAsync(value);
                await echoing;
                return;
            default:
                await Handlers.Echo(connection);
                return;
        }
    }

    private static async Task Echo(Connection connection, int amount)
    {
        for (var left = (long)amount; left > 0;)
        {
            var read = await connection.Input.ReadAsync();
            foreach (var memory in read.Buffer)
                await connection.Output.WriteAsync(memory);
            left -= read.Buffer.Length;
            connection.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                return;
        }
    }

    private static async Task Send(Connection connection, Pattern pattern, long amount)
    {
        const int Piece = 32 * 1024;
        for (var sent = 0L; sent < amount; sent += Piece)
            await connection.Output.WriteAsync(pattern.Slice(sent, (int)Math.Min(Piece, amount - sent)));
    }

    private async Task ReceiveToEnd(Connection connection, Pattern pattern)
    {
        var received = 0L;
        ReadResult read;
        do
        {
            read = await connection.Input.ReadAsync();
            if (pattern.FirstWrong(received, read.Buffer) is >= 0 and var wrong)
                fail($"{connection} received a wrong byte at {wrong}.");
            received += read.Buffer.Length;
            connection.Input.AdvanceTo(read.Buffer.End);
        }
        while (!read.IsCompleted);
    }
}
