using System.IO.Pipelines;

namespace Reactor.Perf.Servers;

/// <summary>Reactor's own echo handler on one loop; with timers the same with an idle timer of its own.</summary>
internal static class ReactorEcho
{
    public static Task<ILoopbackServer> StartAsync(int port, int? timers, TimeSpan spinTime = default)
    {
        var loop = EventLoop.Start(new EventLoopOptions { SpinTime = spinTime });
        foreach (var due in PendingTimers.FarDueTimes(timers ?? 0))
            loop.StartTimer(due, static () => { });
        return ReactorServer.StartAsync(port, loop, timers is null ? Handlers.Echo : EchoWithTimerAsync);
    }

    private static async Task EchoWithTimerAsync(Connection connection)
    {
        using var idle = connection.Loop.StartTimer(PendingTimers.IdleLimit, connection.Abort);
        ReadResult result;
        do
        {
            result = await connection.Input.ReadAsync();
            idle.Restart(PendingTimers.IdleLimit);
            foreach (var segment in result.Buffer)
                await connection.Output.WriteAsync(segment);
            connection.Input.AdvanceTo(result.Buffer.End);
        }
        while (!result.IsCompleted);
    }
}
