using System.Globalization;
using System.Runtime.InteropServices;

namespace Reactor.Perf.Servers;

/// <summary>
/// <c>serve KIND [--port N]</c>: one echo server in a process of its own. It prints <c>ready PORT PID</c>, answers each
/// line on standard input with the bytes allocated so far, and ends with SIGTERM or with standard input.
/// </summary>
internal static class ServeCommand
{
    public static async Task<int> RunAsync(string kind, string[] args)
    {
        var port = args is ["--port", var text] ? int.Parse(text, CultureInfo.InvariantCulture) : 0;
        if (await StartAsync(kind, port) is not { } server)
        {
            await Console.Error.WriteLineAsync("usage: serve reactor|reactor-spin|kestrel|kestrel-inline|socket [--port N]");
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

    private static async Task<IEchoServer?> StartAsync(string kind, int port) => kind switch
    {
        "reactor" => await ReactorEcho.StartAsync(port),
        "reactor-spin" => await ReactorEcho.StartAsync(port, spinTime: TimeSpan.FromMicroseconds(50)),
        "kestrel" => await KestrelEcho.StartAsync(port, inline: false),
        "kestrel-inline" => await KestrelEcho.StartAsync(port, inline: true),
        "socket" => await SocketEcho.StartAsync(port),
        _ => null,
    };

    // A thread of its own, so that asking takes no turn of the thread pool that two of the servers run on. An answer
    // allocates 40 bytes itself: under a hundredth of a byte a request in any window worth measuring.
    private static void AnswerUntilInputEnds(TaskCompletionSource ended)
    {
        using var questions = new StreamReader(Console.OpenStandardInput());
        while (questions.ReadLine() is not null)
            Console.WriteLine(GC.GetTotalAllocatedBytes(precise: true).ToString(CultureInfo.InvariantCulture));
        ended.TrySetResult();
    }
}
