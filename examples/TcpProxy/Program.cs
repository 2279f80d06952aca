// A TCP proxy, until Ctrl-C or SIGTERM: `dotnet run --project examples/TcpProxy -- --listen 127.0.0.1:8080 --to 127.0.0.1:9000`.
using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Reactor;
using Reactor.Examples;

if (args is not ["--listen", var from, "--to", var to] || !IPEndPoint.TryParse(from, out var address) || !IPEndPoint.TryParse(to, out var upstream) || upstream.Port == 0)
{
    Console.Error.WriteLine("usage: TcpProxy --listen ADDRESS[:PORT] --to ADDRESS:PORT, with IP addresses");
    return 2;
}

// A conversation that stands still for so long is given up. That ends those who never read, too: closing then needs no limit
// of its own, which would cut off who reads slowly.
var idleTime = TimeSpan.FromMinutes(10);
var accepting = new ListenOptions { IdleTimeout = idleTime, CloseTimeout = Timeout.InfiniteTimeSpan };
var dialling = new ConnectOptions { IdleTimeout = idleTime, CloseTimeout = Timeout.InfiniteTimeSpan };
var drainTime = TimeSpan.FromSeconds(10);

var log = new ConsoleLog(LogLevel.Warning);
var proxy = new TcpProxy(upstream, log);
await using var loop = EventLoop.Start(new EventLoopOptions { LoggerFactory = log, Connect = dialling });
await using var listener = await loop.ListenAsync(address, proxy.ServeAsync, accepting);
Console.WriteLine($"Listening on {listener.LocalEndPoint}, for {upstream}. Ctrl-C ends it.");

var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
using (PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop))
using (PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop))
{
    await stop.Task;

    // The loop would end every input at once. Conversations under way may come to their own end first, for a while.
    await listener.DisposeAsync();
    Console.WriteLine($"Draining, for {drainTime.TotalSeconds} seconds at most. Ctrl-C again ends at once.");
    var drained = DateTime.UtcNow + drainTime;
    while (listener.Active > 0 && DateTime.UtcNow < drained) await Task.Delay(100);
    Console.WriteLine($"{listener.Accepted} connections were served; {listener.Active} are reset.");
}

return 0;

// Only the first signal is ours.
void Stop(PosixSignalContext signal) => signal.Cancel = stop.TrySetResult();
