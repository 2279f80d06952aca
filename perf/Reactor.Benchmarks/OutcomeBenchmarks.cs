using System.Net;
using System.Net.Sockets;
using BenchmarkDotNet.Attributes;
using Reactor.Benchmarks.Fixtures;

namespace Reactor.Benchmarks;

/// <summary>What a refused connect costs as a value and as an exception.</summary>
[GroupBenchmarksBy(BenchmarkDotNet.Configs.BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class OutcomeBenchmarks
{
    private const int Dials = 256;

    private readonly LoopRunner _runner = new();
    private readonly Socket _silent = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Func<Task> _tryConnect;
    private readonly Func<Task> _connect;
    private EndPoint _refusing = new IPEndPoint(IPAddress.Loopback, 0);
    private ConnectResult? _result;

    public OutcomeBenchmarks() => (_tryConnect, _connect) = (TryConnectOnLoop, ConnectOnLoop);

    // A port that is bound and does not listen refuses, and nobody else can come to listen on it.
    [GlobalSetup]
    public void SetUp()
    {
        _silent.Bind(_refusing);
        _refusing = _silent.LocalEndPoint!;
        _result = Refused();
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _runner.Dispose();
        _silent.Dispose();
    }

    [BenchmarkCategory("made"), Benchmark(Baseline = true, Description = "a refusal made an exception, thrown and caught")]
    public bool ExceptionThrown()
    {
        try
        {
            throw _result!.ToException();
        }
        catch (ConnectException exception)
        {
            return exception.Errno == Errno.ECONNREFUSED;
        }
    }

    [BenchmarkCategory("made"), Benchmark(Description = "a refusal as a ConnectResult")]
    public ConnectResult ResultMade() => Refused();

    [BenchmarkCategory("dialled"), Benchmark(Baseline = true, Description = "a refused dial: Socket.ConnectAsync and a SocketException", OperationsPerInvoke = Dials)]
    public async Task<int> SocketConnect()
    {
        var refused = 0;
        for (var i = 0; i < Dials; i++)
        {
            using var socket = SocketServer.NewSocket(_refusing);
            try
            {
                await socket.ConnectAsync(_refusing);
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
            {
                refused++;
            }
        }

        return refused;
    }

    [BenchmarkCategory("dialled"), Benchmark(Description = "a refused dial: ConnectAsync and a ConnectException", OperationsPerInvoke = Dials)]
    public void Connect() => _runner.Run(_connect);

    [BenchmarkCategory("dialled"), Benchmark(Description = "a refused dial: TryConnectAsync and a value", OperationsPerInvoke = Dials)]
    public void TryConnect() => _runner.Run(_tryConnect);

    private ConnectResult Refused()
    {
        var attempt = new ConnectAttempt { EndPoint = _refusing, Outcome = ConnectOutcome.Refused, Errno = Errno.ECONNREFUSED, Syscall = "connect" };
        return new ConnectResult(ConnectOutcome.Refused, _refusing, [attempt]) { Errno = Errno.ECONNREFUSED, Syscall = "connect" };
    }

    private async Task TryConnectOnLoop()
    {
        for (var i = 0; i < Dials; i++)
        {
            var result = await _runner.Loop.TryConnectAsync(_refusing);
            if (result.Outcome != ConnectOutcome.Refused) throw new InvalidOperationException($"It was to be refused: {result}");
        }
    }

    private async Task ConnectOnLoop()
    {
        for (var i = 0; i < Dials; i++)
        {
            try
            {
                await using var connection = await _runner.Loop.ConnectAsync(_refusing);
                throw new InvalidOperationException("It was to be refused.");
            }
            catch (ConnectException exception) when (exception.Outcome == ConnectOutcome.Refused)
            {
                // As it should be.
            }
        }
    }
}
