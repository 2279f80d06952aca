using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Reactor.Perf.Comparison;

namespace Reactor.Perf.Clients;

/// <summary>
/// <c>storm KIND --port P --count N --in-flight N --warmup SECONDS --seconds SECONDS</c>: a client of the connect storm, as
/// <c>peers/storm.h</c> describes it.
/// </summary>
internal static class StormCommand
{
    // The sink only has to close; one that is gone must not hold us for ever.
    private const int SinkLimitMs = 15_000;

    public static async Task<int> RunAsync(string kind, string[] args)
    {
        if (args is not ["--port", var port, "--count", var count, "--in-flight", var inFlight, "--warmup", var warmup, "--seconds", var seconds]
            || Client(kind, Number(count), Number(inFlight)) is not { } client)
        {
            await Console.Error.WriteLineAsync(
                "usage: storm reactor|reactor-queued|socket --port P --count N --in-flight N --warmup SECONDS --seconds SECONDS");
            return 2;
        }

        await using (client)
        {
            var plan = new StormPlan(new IPEndPoint(IPAddress.Loopback, Number(port)), Number(count), Number(inFlight));
            return Run(client, plan, Seconds(warmup), Seconds(seconds));
        }
    }

    // Waits on the main thread: one of the pool would spin for a while, beside the storm, after each time that it awaited.
    private static int Run(IStormClient client, StormPlan plan, double warmupSeconds, double seconds)
    {
        var tally = new StormTally(plan.Count);
        var start = Stopwatch.GetTimestamp();
        do
        {
            client.OpenAllAsync(plan, tally).GetAwaiter().GetResult();
            Clear(client, plan);
            tally.EndStorm(counts: false);
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < warmupSeconds);

        Console.WriteLine("window");
        if (Console.ReadLine() is null)
            return 1;

        var (storms, elapsed, used, allocated) = (0, TimeSpan.Zero, TimeSpan.Zero, 0L);
        do
        {
            var allocatedBefore = GC.GetTotalAllocatedBytes(precise: true);
            var before = Stopwatch.GetTimestamp();
            var usedBefore = Environment.CpuUsage.TotalTime;
            client.OpenAllAsync(plan, tally).GetAwaiter().GetResult();
            used += Environment.CpuUsage.TotalTime - usedBefore;
            elapsed += Stopwatch.GetElapsedTime(before);
            allocated += GC.GetTotalAllocatedBytes(precise: true) - allocatedBefore;
            storms++;
            Clear(client, plan);
            tally.EndStorm(counts: true);
        }
        while (elapsed.TotalSeconds < seconds);

        var percentiles = tally.PercentilesUs(0.50, 0.99, 0.999);
        var result = new StormResult
        {
            Storms = storms,
            Connects = tally.Connects,
            Failed = tally.Failures,
            Seconds = elapsed.TotalSeconds,
            CpuSeconds = used.TotalSeconds,
            AllocatedBytes = allocated,
            P50Us = percentiles[0],
            P99Us = percentiles[1],
            P999Us = percentiles[2],
        };
        Console.WriteLine(JsonSerializer.Serialize(result, StormResult.Json));
        while (Console.ReadLine() is not null)
        {
            // The runner ends the input when it has read all that it wants to know of this process.
        }

        return tally.Failures == 0 ? 0 : 1;
    }

    private static IStormClient? Client(string kind, int count, int inFlight) => kind switch
    {
        "reactor" => new ReactorStorm(count),
        "reactor-queued" => new ReactorQueuedStorm(count, inFlight),
        "socket" => new SocketStorm(count),
        _ => null,
    };

    private static void Clear(IStormClient client, StormPlan plan)
    {
        client.ResetAllAsync().GetAwaiter().GetResult();

        // The sink answers one byte when it has closed all connections but the one that asks.
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        socket.ReceiveTimeout = SinkLimitMs;
        socket.Connect(plan.Target);
        socket.Send([0]);
        if (socket.Receive(new byte[1]) != 1)
            throw new EndOfStreamException("The sink is gone.");
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static double Seconds(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
