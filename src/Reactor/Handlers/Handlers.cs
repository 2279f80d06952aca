using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Reactor;

/// <summary>Small servers, each a <see cref="ConnectionHandler"/>.</summary>
public static class Handlers
{
    // RFC 864: lines of 72 of the 95 printing ASCII characters, each line beginning one character later.
    private static readonly byte[] _chargenLines = MakeChargenLines();

    /// <summary>Sends back what it receives, from the very buffer that it was received into (RFC 862).</summary>
    public static async Task Echo(Connection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ReadResult result;
        do
        {
            result = await connection.Input.ReadAsync();
            await (result.Buffer.IsSingleSegment ? connection.Output.WriteAsync(result.Buffer.First) : WriteAsync(connection.Output, result.Buffer));
            connection.Input.AdvanceTo(result.Buffer.End);
        }
        while (!result.IsCompleted);
    }

    /// <summary>Sends back what it receives with a to z in capitals, as C's toupper(3) does in the C locale; other bytes stay as they are.</summary>
    public static async Task Uppercase(Connection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ReadResult result;
        do
        {
            result = await connection.Input.ReadAsync();
            foreach (var segment in result.Buffer)
            {
                ToUpper(segment.Span, connection.Output.GetSpan(segment.Length));
                connection.Output.Advance(segment.Length);
            }

            connection.Input.AdvanceTo(result.Buffer.End);
            await connection.Output.FlushAsync();
        }
        while (!result.IsCompleted);
    }

    /// <summary>Reads and throws away (RFC 863).</summary>
    public static async Task Discard(Connection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ReadResult result;
        do
        {
            result = await connection.Input.ReadAsync();
            connection.Input.AdvanceTo(result.Buffer.End);
        }
        while (!result.IsCompleted);
    }

    /// <summary>Sends characters without end, and throws away what it receives (RFC 864).</summary>
    public static async Task Chargen(Connection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var discarding = Discard(connection);

        // Not until the input ends: a peer that has ended its side may still be reading. One that is gone shows as a failed send.
        while (!connection.Loop.IsStopping) await connection.Output.WriteAsync(_chargenLines);
        await discarding;
    }

    private static async ValueTask<FlushResult> WriteAsync(PipeWriter output, ReadOnlySequence<byte> data)
    {
        FlushResult result = default;
        foreach (var segment in data) result = await output.WriteAsync(segment);
        return result;
    }

    private static void ToUpper(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        while (Ascii.ToUpper(source, destination, out var done) == OperationStatus.InvalidData)
        {
            // It stops at a byte that is not ASCII.
            destination[done] = source[done];
            source = source[(done + 1)..];
            destination = destination[(done + 1)..];
        }
    }

    private static byte[] MakeChargenLines()
    {
        const int Characters = 95, PerLine = 72;
        var lines = new byte[Characters * (PerLine + 2)];
        for (var line = 0; line < Characters; line++)
        {
            var start = line * (PerLine + 2);
            for (var column = 0; column < PerLine; column++) lines[start + column] = (byte)(' ' + ((line + column) % Characters));
            lines[start + PerLine] = (byte)'\r';
            lines[start + PerLine + 1] = (byte)'\n';
        }

        return lines;
    }
}
