// A server that strangers may connect to. It sends back each line when it is complete, logs whom it has to give up, and drains
// on Ctrl-C or SIGTERM. The port is its argument, 9523 without one; being an example it listens on loopback only.
using System.Buffers;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Reactor;
using Reactor.Examples;

const int MostUnfinished = 4096;
var lineTime = TimeSpan.FromSeconds(30);
var drainTime = TimeSpan.FromSeconds(10);

var limits = new ListenOptions
{
    MaxConnections = 5_000,
    MaxConnectionsPerAddress = 50,
    FirstByteTimeout = TimeSpan.FromSeconds(10),
    IdleTimeout = TimeSpan.FromMinutes(2),
    SendBufferSize = 64 * 1024,
    ReceiveBufferSize = 64 * 1024,
    WriteTimeout = TimeSpan.FromSeconds(30),
    MaxUnsentBytes = 1024 * 1024,
    CloseTimeout = TimeSpan.FromSeconds(10),
    Linger = TimeSpan.FromSeconds(2),
};

await using var loop = EventLoop.Start(new EventLoopOptions { LoggerFactory = new ConsoleLog(LogLevel.Debug), ShutdownTimeout = drainTime });
var port = args is [var given] ? int.Parse(given, CultureInfo.InvariantCulture) : 9523;
await using var listener = await loop.ListenAsync(new IPEndPoint(IPAddress.Loopback, port), ServeLinesAsync, limits);
Console.WriteLine($"Listening on {listener.LocalEndPoint}. Ctrl-C ends it.");

var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
using (PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop))
using (PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop))
{
    await stop.Task;
    Console.WriteLine($"Draining, for {drainTime.TotalSeconds} seconds at most. Ctrl-C again ends at once.");
    await loop.DisposeAsync();
}

var counts = loop.Counters;
Console.WriteLine($"{counts.Accepted} accepted; at the end {counts.Drained} drained, {counts.Aborted} aborted, {counts.ConnectsCanceled} connects cancelled.");
Console.WriteLine($"Full {counts.ConnectionLimits} times; turned away {counts.AddressLimits} of one address and {counts.AcceptsRefused} for want of descriptors.");
Console.WriteLine($"Given up: {counts.FirstByteTimeouts} silent, {counts.IdleTimeouts} idle, {counts.WriteTimeouts} not reading, {counts.SendLimits} over the send limit, {counts.CloseTimeouts} while closing.");

// Only the first signal is ours.
void Stop(PosixSignalContext signal) => signal.Cancel = stop.TrySetResult();

async Task ServeLinesAsync(Connection connection)
{
    // A client that sends a byte now and then is not idle, and yet never gets to the end of its line.
    using var late = connection.Loop.StartTimer(lineTime, connection.Abort);
    while (true)
    {
        var read = await connection.Input.ReadAsync();
        var rest = read.Buffer;
        while (rest.PositionOf((byte)'\n') is { } lineFeed)
        {
            var end = rest.GetPosition(1, lineFeed);
            foreach (var segment in rest.Slice(0, end)) connection.Output.Write(segment.Span);
            rest = rest.Slice(end);
            late.Cancel();
        }

        // The beginning of a line is kept, but not any length of it, and not for ever.
        var isTooLong = rest.Length > MostUnfinished;
        if (!rest.IsEmpty && !late.IsPending) late.Restart(lineTime);
        connection.Input.AdvanceTo(rest.Start, rest.End);
        await connection.Output.FlushAsync();
        if (read.IsCompleted || isTooLong) return;
    }
}
