using BenchmarkDotNet.Attributes;
using Reactor.Benchmarks.Fixtures;

namespace Reactor.Benchmarks;

/// <summary>Sixteen messages of 64 B on their way at once to an echo server that answers what it has read, beside asynchronous sockets.</summary>
public class PipelinedBenchmarks
{
    private const int Deep = 16;
    private const int Batches = 128;
    private const int Bytes = 64;

    private readonly byte[] _message = new byte[Bytes];
    private ReactorEnds? _reactor;
    private SocketEnds? _sockets;
    private Func<Task>? _batches;

    [Params(Transport.Tcp, Transport.Unix)]
    public Transport Over { get; set; }

    [GlobalSetup(Target = nameof(Reactor))]
    public void MakeReactor()
    {
        _reactor = ReactorEnds.Make(Over);
        _batches = () => _reactor.ExchangeAsync(_message, Deep, Batches);
    }

    [GlobalSetup(Target = nameof(Sockets))]
    public async Task MakeSockets() => _sockets = await SocketEnds.MakeAsync(Over);

    [GlobalCleanup]
    public async Task CleanUp()
    {
        _reactor?.Dispose();
        if (_sockets is not null) await _sockets.DisposeAsync();
    }

    [Benchmark(Baseline = true, Description = "a message of 16, Socket.SendAsync and ReceiveAsync", OperationsPerInvoke = Batches * Deep)]
    public Task Sockets() => _sockets!.ExchangeAsync(_message, Deep, Batches);

    [Benchmark(Description = "a message of 16, both ends on one loop", OperationsPerInvoke = Batches * Deep)]
    public void Reactor() => _reactor!.Run(_batches!);
}
