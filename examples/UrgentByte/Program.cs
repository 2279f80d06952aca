// An urgent byte overtakes what was sent before it: the interrupt key of telnet (RFC 854, Synch), on both sides.
using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Reactor;

await using var loop = EventLoop.Start();
await using var listener = await loop.ListenAsync(new IPEndPoint(IPAddress.Loopback, 0), ServeAsync);
await using var connection = await loop.ConnectAsync(listener.LocalEndPoint);

// As much as the server's system takes in while the server reads nothing. More would stay here, and so would the urgent byte:
// it overtakes those who wait to be read, not those who wait to be sent.
Console.WriteLine("client: sends 50,000 bytes");
await connection.Output.WriteAsync(new byte[50_000]);
Console.WriteLine("client: sends '!' behind them, as urgent");
await connection.SendUrgentAsync((byte)'!');
Console.WriteLine($"client: reads \"{await ReadLineAsync(connection.Input)}\"");

Console.WriteLine("client: sends \"go on\"");
await connection.Output.WriteAsync("go on\n"u8.ToArray());
Console.WriteLine($"client: reads \"{await ReadLineAsync(connection.Input)}\"");

// Somebody who is busy and reads nothing meanwhile, and who can be interrupted all the same.
static async Task ServeAsync(Connection connection)
{
    // The system keeps the urgent byte beside the stream, so that it is heard of before any byte is read.
    var urgent = await connection.ReceiveUrgentAsync();
    Console.WriteLine($"server: hears '{(char)urgent!}' and has read nothing so far");

    // Its place in the stream is the mark. What lies before it was sent by somebody who has changed his mind.
    var discarded = await connection.DiscardToMarkAsync();
    Console.WriteLine($"server: throws away {discarded:N0} bytes, up to the mark");
    await connection.Output.WriteAsync("interrupted\n"u8.ToArray());

    // What comes after the mark is an ordinary stream again.
    var line = await ReadLineAsync(connection.Input);
    Console.WriteLine($"server: reads \"{line}\"");
    await connection.Output.WriteAsync("as you like\n"u8.ToArray());
}

static async Task<string> ReadLineAsync(PipeReader input)
{
    while (true)
    {
        var read = await input.ReadAsync();
        if (read.Buffer.PositionOf((byte)'\n') is { } lineFeed)
        {
            var line = Encoding.UTF8.GetString(read.Buffer.Slice(0, lineFeed));
            input.AdvanceTo(read.Buffer.GetPosition(1, lineFeed));
            return line;
        }

        // A line may come in pieces: nothing is consumed yet, and all was looked at.
        input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        if (read.IsCompleted)
            throw new EndOfStreamException("The peer closed in the middle of a line.");
    }
}
