using BenchmarkDotNet.Attributes;
using Reactor.Benchmarks.Fixtures;

namespace Reactor.Benchmarks;

/// <summary>A message to an echo server and back, both ends in this process, beside asynchronous sockets.</summary>
public class PingPongBenchmarks
{
    private const int RoundTrips = 1024;

    private ReactorEnds? _reactor;
    private SocketEnds? _sockets;
    private Func<Task>? _roundTrips;
    private byte[] _message = [];

    [Params(Transport.Tcp, Transport.Unix)]
    public Transport Over { get; set; }

    [Params(64, 1024, 16 * 1024)]
    public int Bytes { get; set; }

    [GlobalSetup(Target = nameof(Reactor))]
    public void MakeReactor()
    {
        _message = new byte[Bytes];
        _reactor = ReactorEnds.Make(Over);
        _roundTrips = () => _reactor.ExchangeAsync(_message, deep: 1, RoundTrips);
    }

    [GlobalSetup(Target = nameof(Sockets))]
    public async Task MakeSockets()
    {
        _message = new byte[Bytes];
        _sockets = await SocketEnds.MakeAsync(Over);
    }

    [GlobalCleanup]
    public async Task CleanUp()
    {
        _reactor?.Dispose();
        if (_sockets is not null) await _sockets.DisposeAsync();
    }

    [Benchmark(Baseline = true, Description = "a round trip, Socket.SendAsync and ReceiveAsync", OperationsPerInvoke = RoundTrips)]
    public Task Sockets() => _sockets!.ExchangeAsync(_message, deep: 1, RoundTrips);

    [Benchmark(Description = "a round trip, both ends on one loop", OperationsPerInvoke = RoundTrips)]
    public void Reactor() => _reactor!.Run(_roundTrips!);
}
