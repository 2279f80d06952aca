using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>How the client's end of a conversation is to be.</summary>
internal enum ChurnStyle
{
    Patient,
    ShortIdle,
    ShortWrite,
    ShortClose,
    LittleUnsent,
    Lingering,
    Abrupt,
    Hasty,
    Retrying,
}

/// <summary>A way between two ends: a listener that waits for ever, and one with timeouts.</summary>
/// <param name="Name">What it is called in the tally.</param>
/// <param name="Patient">Has no timeouts.</param>
/// <param name="Impatient">Gives up what is idle, says nothing at first, or does not read.</param>
internal sealed record ChurnTransport(string Name, Listener Patient, Listener Impatient)
{
    public bool IsTcp => Patient.LocalEndPoint is IPEndPoint;
}

/// <summary>The loops, listeners and connectors of a churn run, and those of its conversations that have not ended.</summary>
internal sealed class ChurnWorld : IAsyncDisposable
{
    // Short, since they are to strike; yet longer than a busy machine needs for what is to come before them.
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(150);

    // What does not strike within a run; yet each connection has its timers, and whoever forgets to cancel one is found out.
    private static readonly TimeSpan Never = TimeSpan.FromHours(10);

    private readonly ScratchDirectory _directory = new();
    private readonly ConcurrentDictionary<ChurnConversation, byte> _pending = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly OutspokenLog _log = new(static (_, exception) => exception is ChurnException);
    private readonly Dictionary<ChurnStyle, Connector> _near = [];
    private readonly Dictionary<ChurnStyle, Connector> _far = [];
    private readonly List<ChurnTransport> _transports = [];

    private ChurnWorld()
    {
        Server = TestLoop.Start(log: _log);
        Client = TestLoop.Start(log: _log);
        foreach (var style in Enum.GetValues<ChurnStyle>())
        {
            _near[style] = new Connector(Server, Options(style));
            _far[style] = new Connector(Client, Options(style));
        }
    }

    public EventLoop Server { get; }

    public EventLoop Client { get; }

    public IReadOnlyList<ChurnTransport> Transports => _transports;

    public IEnumerable<ChurnTransport> Tcp => _transports.Where(static transport => transport.IsTcp);

    /// <summary>Drops every SYN.</summary>
    public Blackhole Hanging { get; } = Loopback.Hanging();

    /// <summary>Refuses every SYN.</summary>
    public PortReservation Refusing { get; } = Loopback.Refusing();

    /// <summary>By which the two ends of a conversation tell each other what the connection does not, by its seed.</summary>
    public ConcurrentDictionary<int, TaskCompletionSource> Signals { get; } = new();

    public bool HasFailed => !_failures.IsEmpty;

    public IEnumerable<string> Failures => _failures.Concat(_log.Lines);

    public static async Task<ChurnWorld> Start()
    {
        var world = new ChurnWorld();
        try
        {
            await world.Listen("v4", static () => Loopback.AnyPort);
            if (Socket.OSSupportsIPv6 && IPv6IsThere())
                await world.Listen("v6", static () => Loopback.AnyPort6);
            var number = 0;
            await world.Listen("unix", () => new UnixDomainSocketEndPoint(world._directory.File($"churn-{number++}")));
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    /// <summary>One for the style: of the client's loop, or of the server's, so that both ends are served by one thread.</summary>
    public Connector Connector(ChurnStyle style, bool onServersLoop) => (onServersLoop ? _near : _far)[style];

    public void Fail(string what) => _failures.Enqueue(what);

    public void Begin(ChurnConversation conversation) => _pending[conversation] = 0;

    public void End(ChurnConversation conversation) => _pending.TryRemove(conversation, out _);

    /// <summary>What has not ended, a line each; not more than fit on a page.</summary>
    public string Pending()
    {
        var pending = _pending.Keys.Select(static conversation => conversation.ToString()).ToList();
        return $"{pending.Count} conversations have not ended; server {Server.Counters}; client {Client.Counters}\n{string.Join('\n', pending.Take(30))}";
    }

    /// <summary>What the loops hold when no conversation is under way and something has not been given back; null when all is well.</summary>
    public string? Held()
    {
        var (server, client) = (Server.Counters, Client.Counters);
        var dials = _near.Values.Concat(_far.Values).Sum(static connector => connector.InFlight + connector.Queued);
        var active = _transports.Sum(static transport => transport.Patient.Active + transport.Impatient.Active);
        var isAllBack = server is { Connections: 0, Timers: 0, RentedBuffers: 0 } && server.Registrations == 2 * _transports.Count
            && client is { Connections: 0, Timers: 0, RentedBuffers: 0, Registrations: 0 } && dials == 0 && active == 0;
        return isAllBack ? null : $"server {server}, of which {2 * _transports.Count} registrations are its listeners'; client {client}; {dials} dials; {active} served";
    }

    /// <summary>
    /// Fills the loops' pools of buffers: what they keep is anything up to 16 MiB for two loops, for buffers come and are now and
    /// then left to the collector, and a leak would drown in that. 64 is what each of them keeps.
    /// </summary>
    public async Task FillPools()
    {
        foreach (var loop in new[] { Server, Client })
        {
            void Fill()
            {
                var rented = Enumerable.Range(0, 64).Select(_ => loop.Segments.Rent()).ToList();
                rented.ForEach(loop.Segments.Return);
            }

            // The loop first: it would take what the others have left.
            await loop.InvokeAsync(() =>
            {
                Fill();
                Enumerable.Range(0, 64).Select(_ => loop.Segments.RentSmall()).ToList().ForEach(loop.Segments.Return);
            }).Within();
            Fill();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync().Within();
        await Server.DisposeAsync().Within();
        Hanging.Dispose();
        Refusing.Dispose();
        _directory.Dispose();
    }

    private static bool IPv6IsThere()
    {
        using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(Loopback.AnyPort6);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static ConnectOptions Options(ChurnStyle style) => style switch
    {
        ChurnStyle.ShortIdle => new ConnectOptions { IdleTimeout = Soon },

        // Little room in the system's buffers, so that a peer that does not read is felt after some ten thousand bytes.
        ChurnStyle.ShortWrite => new ConnectOptions { WriteTimeout = Soon, SendBufferSize = 16 * 1024 },
        ChurnStyle.ShortClose => new ConnectOptions { CloseTimeout = Soon, SendBufferSize = 16 * 1024, SendHighWatermark = 1024 * 1024 },
        ChurnStyle.LittleUnsent => new ConnectOptions { MaxUnsentBytes = 100_000, SendBufferSize = 16 * 1024, SendHighWatermark = 1024 * 1024 },
        ChurnStyle.Lingering => new ConnectOptions { Linger = TimeSpan.FromMilliseconds(500) },
        ChurnStyle.Abrupt => new ConnectOptions { Linger = TimeSpan.Zero },
        ChurnStyle.Hasty => new ConnectOptions { ConnectTimeout = TimeSpan.FromMilliseconds(60), MaxInFlight = 16 },
        ChurnStyle.Retrying => new ConnectOptions { Retry = new ConnectRetryOptions { Attempts = 3, InitialDelay = TimeSpan.FromMilliseconds(10) } },
        _ => new ConnectOptions { IdleTimeout = Never, WriteTimeout = Never, CloseTimeout = Never },
    };

    private async Task Listen(string name, Func<EndPoint> endPoint)
    {
        var server = new ChurnServer(Fail, Signals);
        var patient = new ListenOptions { ReceiveBufferSize = 64 * 1024, IdleTimeout = Never, FirstByteTimeout = Never, WriteTimeout = Never, CloseTimeout = Never };
        var impatient = new ListenOptions { IdleTimeout = 2 * Soon, FirstByteTimeout = Soon, WriteTimeout = Soon, SendBufferSize = 16 * 1024 };
        _transports.Add(new ChurnTransport(
            name,
            await Server.ListenAsync(endPoint(), server.Serve, patient).Within(),
            await Server.ListenAsync(endPoint(), server.Serve, impatient).Within()));
    }
}
