using System.Globalization;
using System.Runtime.InteropServices;

namespace Reactor.Perf.Servers;

/// <summary>
/// <c>serve KIND [--fan-out | --timers N | --upstream PORT] [--port N]</c>: one server in a process of its own. It echoes,
/// sends what comes from one to all, echoes with N timers pending and one a connection, or is a proxy. It prints
/// <c>ready PORT PID</c>, answers a line <c>live</c> on standard input with the bytes that are alive on its managed heap and
/// any other with the bytes allocated so far, and ends with SIGTERM or with standard input.
/// </summary>
internal static class ServeCommand
{
    public static async Task<int> RunAsync(string kind, string[] args)
    {
        if (await StartAsync(kind, args, Number(args, "--port") ?? 0) is not { } server)
        {
            await Console.Error.WriteLineAsync("usage: serve reactor|reactor-spin|kestrel|kestrel-inline|socket [--fan-out | --timers N] [--port N], serve reactor --upstream PORT [--port N]");
            return 2;
        }

        await using (server)
        {
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
            {
                context.Cancel = true;
                ended.TrySetResult();
            });
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ready {server.Port} {Environment.ProcessId}"));
            new Thread(() => AnswerUntilInputEnds(ended)) { IsBackground = true }.Start();
            await ended.Task;
        }

        return 0;
    }

    private static int? Number(string[] args, string name) =>
        Array.IndexOf(args, name) is var at and >= 0 && at + 1 < args.Length ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : null;

    private static async Task<ILoopbackServer?> StartAsync(string kind, string[] args, int port)
    {
        if (Number(args, "--upstream") is { } upstream)
            return kind is "reactor" ? await ReactorProxy.StartAsync(port, upstream) : null;
        return args.Contains("--fan-out", StringComparer.Ordinal)
            ? await StartFanOutAsync(kind, port)
            : await StartEchoAsync(kind, port, Number(args, "--timers"));
    }

    private static async Task<ILoopbackServer?> StartEchoAsync(string kind, int port, int? timers) => kind switch
    {
        "reactor" => await ReactorEcho.StartAsync(port, timers),
        "reactor-spin" => await ReactorEcho.StartAsync(port, timers, spinTime: TimeSpan.FromMicroseconds(50)),
        "kestrel" => await KestrelEcho.StartAsync(port, inline: false, timers),
        "kestrel-inline" => await KestrelEcho.StartAsync(port, inline: true, timers),
        "socket" => await SocketEcho.StartAsync(port, timers),
        _ => null,
    };

    private static async Task<ILoopbackServer?> StartFanOutAsync(string kind, int port) => kind switch
    {
        "reactor" => await ReactorFanOut.StartAsync(port),
        "kestrel" => await KestrelFanOut.StartAsync(port, inline: false),
        "kestrel-inline" => await KestrelFanOut.StartAsync(port, inline: true),
        "socket" => await SocketFanOut.StartAsync(port),
        _ => null,
    };

    // A thread of its own, so that asking takes no turn of the thread pool that two of the servers run on. An answer
    // allocates 40 bytes itself: under a hundredth of a byte a request in any window worth measuring.
    private static void AnswerUntilInputEnds(TaskCompletionSource ended)
    {
        using var questions = new StreamReader(Console.OpenStandardInput());
        while (questions.ReadLine() is { } question)
        {
            var bytes = question is "live" ? LiveBytes() : GC.GetTotalAllocatedBytes(precise: true);
            Console.WriteLine(bytes.ToString(CultureInfo.InvariantCulture));
        }

        ended.TrySetResult();
    }

    // What a finalizer lets go of is only found by the next collection. An aggressive one also gives the memory between
    // what is alive back to the system, so that what is resident afterwards is the connections' and not the garbage's.
    private static long LiveBytes()
    {
        for (var i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
