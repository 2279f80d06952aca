using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A loop with an echo server and connections to it, which several threads use as they like.</summary>
internal sealed class StressWorld : IAsyncDisposable
{
    private const int ConnectionsAtOnce = 24;
    private const int ServedAtOnce = 8;
    private const int TimersAtOnce = 16;

    // ShutdownAborts of LoopLog: what is still used when the loop is ended midway is aborted, and it says so.
    private const int ShutdownAborts = 3;

    private readonly ScratchDirectory _directory = new();
    private readonly OutspokenLog _log;
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly StressConnection[] _connections = new StressConnection[ConnectionsAtOnce];
    private readonly StressConnection?[] _served = new StressConnection?[ServedAtOnce];
    private readonly LoopTimer[] _timers;
    private readonly Connector _connector;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource _renewing = new();
    private Listener[] _listeners = [];
    private Task _renewal = Task.CompletedTask;
    private int _lastNumber;

    private StressWorld()
    {
        _log = new OutspokenLog((what, _) => IsEnding && what.Id == ShutdownAborts);
        Loop = TestLoop.Start(log: _log, connect: Options, shutdownTimeout: TimeSpan.FromMilliseconds(500));
        _connector = new Connector(Loop, Options with { MaxInFlight = 8 });
        _timers = [.. Enumerable.Range(0, TimersAtOnce).Select(_ => Loop.StartTimer(TimeSpan.Zero, static () => { }))];
    }

    public EventLoop Loop { get; }

    /// <summary>A token that has been cancelled already.</summary>
    public CancellationToken Canceled { get; } = new(canceled: true);

    /// <summary>Set before the loop is disposed of.</summary>
    public bool IsEnding { get; private set; }

    /// <summary>Done when the loop has ended; its timers fire no more then.</summary>
    public Task Ended => _ended.Task;

    public bool HasFailed => !_failures.IsEmpty;

    public IEnumerable<string> Failures => _failures.Concat(_log.Lines);

    /// <summary>A peer that takes nothing because nobody reads at its own other end keeps a closing connection no longer than this.</summary>
    private static ConnectOptions Options { get; } = new() { CloseTimeout = TimeSpan.FromMilliseconds(300) };

    public static async Task<StressWorld> Start()
    {
        var world = new StressWorld();
        try
        {
            world._listeners = [await world.Listen(Loopback.AnyPort), await world.Listen(world.NewUnixAddress())];
            await world.Resume();
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    /// <summary>Dials the connections, and new ones from then on, until <see cref="Calm"/>.</summary>
    public async Task Resume()
    {
        for (var i = 0; i < ConnectionsAtOnce; i++)
            _connections[i] = await Dial().Within();
        _renewing = new CancellationTokenSource();
        _renewal = Task.Run(() => Renew(_renewing.Token));
    }

    public void Fail(string what) => _failures.Enqueue(what);

    public UnixDomainSocketEndPoint NewUnixAddress() => new(_directory.File($"stress-{Interlocked.Increment(ref _lastNumber)}"));

    /// <summary>The address of one of the echo servers.</summary>
    public EndPoint AnyAddress(Random random) => _listeners[random.Next(_listeners.Length)].LocalEndPoint;

    /// <summary>The one that can be dialled by host and port.</summary>
    public int Port => ((IPEndPoint)_listeners[0].LocalEndPoint).Port;

    /// <summary>A listener that stays.</summary>
    public Listener AnyListener(Random random) => _listeners[random.Next(_listeners.Length)];

    /// <summary>The shared connector, or the loop's own.</summary>
    public Connector AnyConnector(Random random) => random.Next(2) == 0 ? _connector : Loop.Connector;

    public LoopTimer AnyTimer(Random random) => _timers[random.Next(TimersAtOnce)];

    /// <summary>One of the connections that were dialled, or of those that are served.</summary>
    public StressConnection AnyConnection(Random random) =>
        random.Next(4) == 0 && Volatile.Read(ref _served[random.Next(ServedAtOnce)]) is { } served ? served : Volatile.Read(ref _connections[random.Next(ConnectionsAtOnce)]);

    /// <summary>Listens with a server that echoes.</summary>
    public Task<Listener> Listen(EndPoint endPoint) =>
        Loop.ListenAsync(endPoint, Serve, new ListenOptions { CloseTimeout = Options.CloseTimeout });

    /// <summary>Closes all connections and stops all timers, so that everybody who waits is answered.</summary>
    public async Task Calm()
    {
        await _renewing.CancelAsync();
        await _renewal.Within();
        foreach (var connection in _connections)
            await connection.Connection.CloseAsync().Within();
        foreach (var timer in _timers)
            timer.Cancel();
    }

    /// <summary>What the loop still holds when nobody uses it any more; null when that is its two listeners.</summary>
    public string? Held()
    {
        var counters = Loop.Counters;
        return counters is { Connections: 0, Registrations: 2, Timers: 0, RentedBuffers: 0 } && _connector is { InFlight: 0, Queued: 0 } && Loop.Connector is { InFlight: 0, Queued: 0 }
            ? null
            : $"{counters}, of which two registrations are the listeners'; {_connector.InFlight + Loop.Connector.InFlight} dials under way, {_connector.Queued + Loop.Connector.Queued} queued";
    }

    /// <summary>Ends the loop, however busy.</summary>
    public async Task EndLoop()
    {
        IsEnding = true;
        await Loop.DisposeAsync().Within();
        _ended.SetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _renewing.CancelAsync();
        await _renewal.Within();
        await Loop.DisposeAsync().Within();
        foreach (var connection in _connections.OfType<StressConnection>())
            await connection.Connection.CloseAsync().Within();
        _renewing.Dispose();
        _directory.Dispose();
    }

    private async Task<StressConnection> Dial()
    {
        var number = Interlocked.Increment(ref _lastNumber);
        var connection = await Loop.ConnectAsync(_listeners[number % _listeners.Length].LocalEndPoint);
        return new StressConnection(connection, (byte)number, isServed: false);
    }

    // Connections are replaced when they have ended or are old, so that nobody waits for ever on one that nothing happens to.
    private async Task Renew(CancellationToken cancellationToken)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
        try
        {
            for (var i = 0; await pace.WaitForNextTickAsync(cancellationToken); i = (i + 1) % ConnectionsAtOnce)
            {
                var former = _connections[i];
                if (!former.IsOld)
                    continue;
                Volatile.Write(ref _connections[i], await Dial());
                _ = former.Connection.CloseAsync().AsTask();
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException || (IsEnding && exception is ObjectDisposedException or ConnectException))
        {
            // It is over.
        }
        catch (Exception exception)
        {
            Fail($"A connection could not be replaced: {exception}");
        }
    }

    private async Task Serve(Connection connection)
    {
        // The client's byte is the first that it sends.
        var first = await connection.Input.ReadAsync();
        if (first.Buffer.IsEmpty)
        {
            connection.Input.AdvanceTo(first.Buffer.End);
            return;
        }

        var served = new StressConnection(connection, first.Buffer.FirstSpan[0], isServed: true);
        connection.Input.AdvanceTo(first.Buffer.Start);
        Volatile.Write(ref _served[connection.Id % ServedAtOnce], served);
        try
        {
            await Handlers.Echo(connection);
        }
        catch (InvalidOperationException) when (served.IsInputCompleted || served.IsOutputCompleted)
        {
            // Somebody has completed what it was using.
        }
    }
}
