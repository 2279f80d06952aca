// Says hello ten times and prints the replies. Dials the address that it is given, or a server that it starts itself.
using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Reactor;

await using var loop = EventLoop.Start();
var address = args is [var given] ? IPEndPoint.Parse(given) : await StartServerAsync(loop);

// An outcome is a value; as text it names the call, the errno, the address and the time. ConnectAsync throws it instead.
var result = await loop.TryConnectAsync(address);
if (result.Connection is null)
{
    Console.Error.WriteLine(result);
    return 1;
}

await using var connection = result.Connection;
Console.WriteLine($"Connected to {connection.RemoteEndPoint} from {connection.LocalEndPoint}.");

for (var i = 0; i < 10; i++)
{
    await connection.Output.WriteAsync("hello\n"u8.ToArray());
    Console.Write(await ReadLineAsync(connection.Input));
}

return 0;

static async Task<string> ReadLineAsync(PipeReader input)
{
    while (true)
    {
        var read = await input.ReadAsync();
        if (read.Buffer.PositionOf((byte)'\n') is { } lineFeed)
        {
            var end = read.Buffer.GetPosition(1, lineFeed);
            var line = Encoding.UTF8.GetString(read.Buffer.Slice(0, end));
            input.AdvanceTo(end);
            return line;
        }

        // A reply may come in pieces. Nothing is consumed and all was looked at: the next read waits for another piece.
        input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        if (read.IsCompleted)
            throw new EndOfStreamException("The server closed in the middle of a reply.");
    }
}

static async Task<EndPoint> StartServerAsync(EventLoop loop)
{
    var listener = await loop.ListenAsync(new IPEndPoint(IPAddress.Loopback, 0), Handlers.Uppercase);
    return listener.LocalEndPoint;
}
