using System.Buffers;
using System.Net;

namespace Reactor.Tests;

/// <summary>The client's end of one conversation: what a kind of conversation is made of. Every byte that arrives is checked.</summary>
internal sealed class ChurnConversation
{
    public const string Complete = "complete";
    public const string CutShort = "cut short";

    private readonly ChurnWorld _world;
    private readonly string _kind;
    private readonly bool _onServersLoop;
    private readonly Pattern _pattern;
    private readonly int _seed;
    private readonly long _started = Environment.TickCount64;
    private readonly TaskCompletionSource _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Where in the pattern the next byte sent and the next byte received belong.
    private long _sent;
    private long _received;
    private Connection? _connection;
    private volatile string _step = "begins";

    public ChurnConversation(ChurnWorld world, string kind, Random random)
    {
        _world = world;
        _kind = kind;
        _seed = random.Next();
        _pattern = new Pattern(_seed);
        Random = random;
        _onServersLoop = random.Next(4) == 0;
        Transport = world.Transports[random.Next(world.Transports.Count)];
    }

    public Random Random { get; }

    /// <summary>Any, until a kind has chosen one.</summary>
    public ChurnTransport Transport { get; set; }

    public Connection Connection => _connection ?? throw new InvalidOperationException("It has not been dialled.");

    /// <summary>The address that drops every SYN.</summary>
    public EndPoint Hanging => _world.Hanging.EndPoint;

    /// <summary>The address that refuses every SYN.</summary>
    public EndPoint Refusing => _world.Refusing.EndPoint;

    public ChurnTransport AnyTcp() => _world.Tcp.ElementAt(Random.Next(_world.Tcp.Count()));

    /// <summary>Dials an address.</summary>
    /// <returns>How it failed; null when connected.</returns>
    /// <exception cref="ConnectionException">It was connected and reset at once.</exception>
    public async Task<string?> TryDial(EndPoint endPoint, ChurnStyle style, CancellationToken cancellationToken = default)
    {
        _step = $"dials {endPoint}";
        var result = await _world.Connector(style, _onServersLoop).TryConnectAsync(endPoint, cancellationToken);
        _connection = result.Connection;

        // On a busy machine an impatient listener has reset it before our loop has looked whether it is connected.
        if (result.Errno == Errno.ECONNRESET && endPoint.Equals(Transport.Impatient.LocalEndPoint))
            throw new ConnectionException(result.Syscall!, result.Errno, endPoint);
        return result.IsConnected ? null : $"dial: {result.Outcome}";
    }

    /// <summary>Dials the listener of the conversation's transport, which has to work, and tells the other end its role.</summary>
    public async Task Dial(ChurnRole role, int amount = 0, ChurnStyle style = ChurnStyle.Patient, bool impatient = false)
    {
        if (await TryDial((impatient ? Transport.Impatient : Transport.Patient).LocalEndPoint, style) is { } failed)
            throw new AssertionException($"{this}: {failed}");
        await Ask(role, amount);
    }

    /// <summary>Tells the other end its role.</summary>
    public async Task Ask(ChurnRole role, int amount = 0)
    {
        ChurnServer.WriteHeader(Connection.Output.GetSpan(ChurnServer.HeaderSize), role, amount, _seed);
        Connection.Output.Advance(ChurnServer.HeaderSize);
        await Connection.Output.FlushAsync();
    }

    /// <summary>Sends the next bytes of the pattern, from their own memory or by way of the connection's.</summary>
    public async Task Send(long count)
    {
        const int Piece = 48 * 1024;
        for (var left = count; left > 0;)
        {
            _step = $"sends {count}, of which {left} are left";
            var piece = _pattern.Slice(_sent, (int)Math.Min(left, Piece));
            if (Random.Next(2) == 0)
            {
                await Connection.Output.WriteAsync(piece);
            }
            else
            {
                Connection.Output.Write(piece.Span);
                await Connection.Output.FlushAsync();
            }

            _sent += piece.Length;
            left -= piece.Length;
        }
    }

    /// <summary>Receives bytes that have to come.</summary>
    public async Task Receive(long count)
    {
        var until = _received + count;
        while (_received < until)
        {
            _step = $"receives {count}, of which {until - _received} are missing";
            if (Random.Next(16) == 0)
                await Peek();
            if (await ReceiveSome())
                throw new AssertionException($"{this}: the stream has ended.");
        }

        if (_received > until)
            throw new AssertionException($"{this}: {_received - until} bytes too many.");
    }

    /// <summary>Receives until the other end has ended its side.</summary>
    /// <param name="expected">How many bytes are complete.</param>
    public async Task<string> ReceiveToEnd(long expected)
    {
        var start = _received;
        do
            _step = $"receives to the end, {_received - start} of {expected} so far";
        while (!await ReceiveSome());
        return _received - start == expected ? Complete : CutShort;
    }

    /// <summary>Closes in order.</summary>
    public async Task<string> Close(CloseReason expected)
    {
        _step = "closes";
        await Connection.CloseAsync();
        return Connection.CloseReason == expected ? Complete : Connection.CloseReason.ToString();
    }

    /// <summary>Waits until both sides have ended the connection, or one has broken it.</summary>
    public async Task Ended()
    {
        _step = "waits for the end of the connection";
        await ChurnServer.Ended(Connection);
    }

    /// <summary>Reads nothing until the other end gives the signal, or has broken the connection before it knew its role.</summary>
    public async Task Deaf()
    {
        _step = "is deaf";
        await Task.WhenAny(_signal.Task, ChurnServer.Ended(Connection));
    }

    public async Task<byte?> ReceiveUrgent()
    {
        _step = "waits for the urgent byte";
        return await Connection.ReceiveUrgentAsync();
    }

    /// <summary>Holds it, and whatever has come of it, lets go of the connection.</summary>
    public async Task<string> Hold(Func<ChurnConversation, Task<string>> kind)
    {
        _world.Begin(this);
        _world.Signals[_seed] = _signal;
        try
        {
            return await kind(this);
        }
        catch (ConnectionAbortedException aborted)
        {
            // Off the loop it may be told before the loop has done it.
            return aborted.Reason.ToString();
        }
        catch (ConnectionException)
        {
            return (_connection?.CloseReason ?? CloseReason.Reset).ToString();
        }
        finally
        {
            _signal.TrySetResult();
            _world.Signals.TryRemove(_seed, out _);
            if (_connection is not null)
                await Close(CloseReason.None);
            _world.End(this);
        }
    }

    public override string ToString() =>
        $"{_kind}, {Transport.Name}{(_onServersLoop ? ", on the server's loop" : "")}, {Environment.TickCount64 - _started} ms old, {_step}; sent {_sent}, received {_received}; {_connection?.ToString() ?? "not connected"}, {_connection?.CloseReason}";

    // True at the end.
    private async Task<bool> ReceiveSome()
    {
        var read = await Connection.Input.ReadAsync();
        Check(read.Buffer);
        _received += read.Buffer.Length;
        Connection.Input.AdvanceTo(read.Buffer.End);
        return read.IsCompleted;
    }

    private async Task Peek()
    {
        var bytes = new byte[Random.Next(1, 2_000)];
        Check(new ReadOnlySequence<byte>(bytes, 0, await Connection.PeekAsync(bytes)));
    }

    private void Check(in ReadOnlySequence<byte> bytes)
    {
        if (_pattern.FirstWrong(_received, bytes) is >= 0 and var wrong)
            throw new AssertionException($"{this}: a wrong byte at {wrong}.");
    }
}
