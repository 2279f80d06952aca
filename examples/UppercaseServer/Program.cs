// Sends back what it receives, in upper case, until Ctrl-C or SIGTERM.
using System.Net;
using System.Runtime.InteropServices;
using Reactor;

await using var loop = EventLoop.Start();
await using var listener = await loop.ListenAsync(new IPEndPoint(IPAddress.Loopback, 9523), Uppercase);
Console.WriteLine($"Listening on {listener.LocalEndPoint}. Ctrl-C ends it.");

var stop = new TaskCompletionSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
await stop.Task;
Console.WriteLine($"{listener.Accepted} connections were served.");

// The process is not ended under the connections: when the loop is disposed of, their input ends and they finish.
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.TrySetResult();
}

// A handler serves one connection. It runs on the loop's thread, each await comes back to that thread, and when it ends
// the connection is closed. `Handlers.Uppercase` is the same, ready to use.
static async Task Uppercase(Connection connection)
{
    while (true)
    {
        var read = await connection.Input.ReadAsync();
        foreach (var segment in read.Buffer)
        {
            ToUpper(segment.Span, connection.Output.GetSpan(segment.Length));
            connection.Output.Advance(segment.Length);
        }

        // All of it is consumed, and the buffer goes back to the loop: an idle connection owns none.
        connection.Input.AdvanceTo(read.Buffer.End);

        // Waits while the client does not read, so that a slow one holds up itself and nobody else.
        await connection.Output.FlushAsync();
        if (read.IsCompleted)
            return;
    }
}

static void ToUpper(ReadOnlySpan<byte> text, Span<byte> upper)
{
    for (var i = 0; i < text.Length; i++)
        upper[i] = (byte)(text[i] is >= (byte)'a' and <= (byte)'z' ? text[i] - 'a' + 'A' : text[i]);
}
