using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Reactor.Load;

namespace Reactor.Tool;

/// <summary><c>reactor serve</c>: listens until it is told to stop, then drains.</summary>
internal static class ServeCommand
{
    private static readonly Dictionary<string, ConnectionHandler> _handlers = new(StringComparer.Ordinal)
    {
        ["echo"] = Handlers.Echo,
        ["uppercase"] = Handlers.Uppercase,
        ["discard"] = Handlers.Discard,
        ["chargen"] = Handlers.Chargen,
    };

    private static readonly Argument<string> _service = new Argument<string>("SERVICE")
    {
        Description = "What to do with what comes: send it back, send it back in upper case, drop it, or send lines of characters.",
    }.AcceptOnlyFromAmong([.. _handlers.Keys]);

    private static readonly Option<EndPoint[]?> _listen = new("--listen")
    {
        Description = $"Where to listen: {AddressArgument.Forms} (127.0.0.1:9523). May be given several times.",
        HelpName = "ADDR",
        CustomParser = AddressArgument.ParseAll,
    };

    private static readonly EndPoint[] _listenByDefault = [new IPEndPoint(IPAddress.Loopback, 9523)];

    private static readonly Option<int?> _loops = NumberOption.Count(
        "--loops", "How many event loops, each with a thread of its own, share the connections (1). With several, other servers of yours can listen on the same address.");

    private static readonly Option<int?> _maxConnections = NumberOption.Count(
        "--max-connections", "How many connections each address serves at once, shared out among the loops; further ones wait in the backlog.");

    private static readonly Option<TimeSpan?> _idleTimeout = NumberOption.Seconds(
        "--idle-timeout", "Resets a connection on which nothing has moved for so long.");

    private static readonly TimeSpan _resolveTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _drainTime = new EventLoopOptions().ShutdownTimeout;
    private static readonly TimeSpan _countsEvery = TimeSpan.FromMinutes(1);

    public static Command Create()
    {
        var command = new Command("serve", "Serves echo, uppercase, discard or chargen until Ctrl-C or SIGTERM.")
        {
            _service, _listen, _loops, _maxConnections, _idleTimeout,
        };
        command.SetAction(static (parse, _) => RunAsync(parse));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parse)
    {
        using var stop = new StopSignal();
        // Not every runtime raises the soft limit, which is often 1,024: that for musl does not, nor the native one of .NET 9.
        _ = DescriptorLimit.Raise();
        var group = EventLoopGroup.Start(LoopsOf(parse), new EventLoopOptions { Name = "serve", LoggerFactory = TerminalLog.Factory });
        var listeners = new List<ListenerGroup>();
        try
        {
            await ListenAsync(parse, group, listeners);
            return await ServeAsync(group, listeners, stop.Token);
        }
        catch (SocketException e)
        {
            var hasListened = listeners.Exists(static group => group.Listeners.Any(static listener => listener.Completion.IsFaulted));
            Terminal.Log($"{(hasListened ? "Stopped listening" : "Cannot listen")}: {e.Message}.");
            return ExitCode.DidNotHold;
        }
        finally
        {
            foreach (var listener in listeners)
                await listener.DisposeAsync();
            if (stop.Token.IsCancellationRequested && group.Counters.Connections is > 0 and var open)
                Terminal.Log($"Draining: {open:N0} open. What is left after {_drainTime.TotalSeconds} seconds is reset. Ctrl-C again ends at once.");
            await group.DisposeAsync();
            if (listeners.Count > 0)
                LogCounts(group.Counters);
        }
    }

    private static async Task ListenAsync(ParseResult parse, EventLoopGroup group, List<ListenerGroup> listeners)
    {
        foreach (var given in parse.GetValue(_listen) is { Length: > 0 } all ? all : _listenByDefault)
        {
            var addresses = await Names.ResolveAsync(given, AddressFamily.Unspecified, _resolveTimeout, CancellationToken.None);
            var before = listeners.Count;
            for (var i = 0; i < addresses.Count; i++)
            {
                // A name may have addresses that this machine has not, as localhost has ::1 where there is no IPv6. The
                // others do; but the last one's error is told when there are no others.
                var mayFail = i < addresses.Count - 1 || listeners.Count > before;
                await ListenAsync(parse, group, listeners, addresses[i], mayFail);
            }
        }
    }

    private static async Task ListenAsync(ParseResult parse, EventLoopGroup group, List<ListenerGroup> listeners, EndPoint endPoint, bool mayFail)
    {
        // A Unix-domain address is served by one loop only, and the limit holds for each loop.
        var loops = endPoint.AddressFamily == AddressFamily.Unix ? 1 : group.Loops.Count;
        var options = new ListenOptions
        {
            MaxConnections = (parse.GetValue(_maxConnections) ?? int.MaxValue) / loops,
            IdleTimeout = parse.GetValue(_idleTimeout) ?? Timeout.InfiniteTimeSpan,
        };
        try
        {
            var listener = await group.ListenAsync(endPoint, _handlers[parse.GetRequiredValue(_service)], options);
            listeners.Add(listener);
            Console.Out.WriteLine($"listening on {AddressArgument.Format(listener.LocalEndPoint)}");
            await Console.Out.FlushAsync();
        }
        catch (ListenException e) when (mayFail && e.Errno is Errno.EADDRNOTAVAIL or Errno.EAFNOSUPPORT)
        {
            Terminal.Log($"Passed over: {e.Message}.");
        }
    }

    private static async Task<int> ServeAsync(EventLoopGroup group, List<ListenerGroup> listeners, CancellationToken stop)
    {
        var stopped = Task.Delay(Timeout.Infinite, stop);
        var broken = Task.WhenAny(listeners.SelectMany(static listener => listener.Listeners).Select(static listener => listener.Completion));
        while (true)
        {
            var first = await Task.WhenAny(stopped, broken, Task.Delay(_countsEvery, CancellationToken.None));
            if (first == stopped)
                return ExitCode.Well;
            LogCounts(group.Counters);
            if (first == broken)
            {
                await await broken;
                return ExitCode.DidNotHold;
            }
        }
    }

    private static void LogCounts(EventLoopCounters counters) => Terminal.Log(
        $"{DateTimeOffset.UtcNow:u} {counters.Connections:N0} open, {counters.Accepted:N0} accepted, {counters.AcceptsRefused:N0} refused, {counters.BytesReceived:N0} bytes received, {counters.BytesSent:N0} sent");

    // Each loop limits its own connections, so that more loops than connections could not keep the limit.
    private static int LoopsOf(ParseResult parse) =>
        Math.Min(parse.GetValue(_loops) ?? 1, parse.GetValue(_maxConnections) ?? int.MaxValue);
}
