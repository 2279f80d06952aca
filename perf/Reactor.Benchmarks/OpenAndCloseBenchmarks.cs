using System.Buffers;
using System.Net;
using BenchmarkDotNet.Attributes;
using Reactor.Benchmarks.Fixtures;

namespace Reactor.Benchmarks;

/// <summary>
/// A connection dialled, accepted and closed at both ends, one at a time, beside asynchronous sockets. The server closes first, so
/// that it is not the dialling ports that wait in TIME_WAIT and run out.
/// </summary>
[GroupBenchmarksBy(BenchmarkDotNet.Configs.BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class OpenAndCloseBenchmarks
{
    private const int Connections = 256;
    private const int MessageBytes = 64;

    private static readonly byte[] _message = new byte[MessageBytes];

    private readonly byte[] _buffer = new byte[4096];
    private LoopRunner? _runner;
    private EndPoint? _listening;
    private SocketServer? _server;
    private Func<Task>? _openAndClose;
    private Func<Task>? _oneRequest;

    [Params(Transport.Tcp, Transport.Unix)]
    public Transport Over { get; set; }

    [GlobalSetup(Target = nameof(OpenAndClose))]
    public void MakeReactor() => MakeReactor(static _ => Task.CompletedTask);

    [GlobalSetup(Target = nameof(OneRequest))]
    public void MakeAnsweringReactor() => MakeReactor(static async connection =>
    {
        var read = await connection.Input.ReadAsync();
        await connection.Output.WriteAsync(read.Buffer.First);
        connection.Input.AdvanceTo(read.Buffer.End);
    });

    [GlobalSetup(Target = nameof(SocketOpenAndClose))]
    public void MakeSockets() => _server = new SocketServer(Over, static _ => Task.CompletedTask);

    [GlobalSetup(Target = nameof(SocketOneRequest))]
    public void MakeAnsweringSockets() => _server = new SocketServer(Over, static async socket =>
    {
        var buffer = ArrayPool<byte>.Shared.Rent(MessageBytes);
        var received = await socket.ReceiveAsync(buffer.AsMemory());
        _ = await socket.SendAsync(buffer.AsMemory(0, received));
        ArrayPool<byte>.Shared.Return(buffer);
    });

    [GlobalCleanup]
    public async Task CleanUp()
    {
        _runner?.Dispose();
        if (_server is not null) await _server.DisposeAsync();
    }

    [BenchmarkCategory("bare"), Benchmark(Baseline = true, Description = "a connection opened and closed, Socket async", OperationsPerInvoke = Connections)]
    public Task SocketOpenAndClose() => DialSockets(ReadOnlyMemory<byte>.Empty);

    [BenchmarkCategory("bare"), Benchmark(Description = "a connection opened and closed, both ends on one loop", OperationsPerInvoke = Connections)]
    public void OpenAndClose() => _runner!.Run(_openAndClose!);

    [BenchmarkCategory("one request"), Benchmark(Baseline = true, Description = "the same with 64 B there and back, Socket async", OperationsPerInvoke = Connections)]
    public Task SocketOneRequest() => DialSockets(_message);

    [BenchmarkCategory("one request"), Benchmark(Description = "the same with 64 B there and back, both ends on one loop", OperationsPerInvoke = Connections)]
    public void OneRequest() => _runner!.Run(_oneRequest!);

    private void MakeReactor(ConnectionHandler handler)
    {
        _openAndClose = () => Dial(ReadOnlyMemory<byte>.Empty);
        _oneRequest = () => Dial(_message);
        _runner = new LoopRunner();
        _runner.Run(async () => _listening = (await _runner.Loop.ListenAsync(Over.NewEndPoint(), handler)).LocalEndPoint);
    }

    private async Task Dial(ReadOnlyMemory<byte> message)
    {
        for (var i = 0; i < Connections; i++)
        {
            await using var connection = await _runner!.Loop.ConnectAsync(_listening!);
            if (!message.IsEmpty) await connection.Output.WriteAsync(message);
            for (var hasEnded = false; !hasEnded;)
            {
                var read = await connection.Input.ReadAsync();
                connection.Input.AdvanceTo(read.Buffer.End);
                hasEnded = read.IsCompleted;
            }
        }
    }

    private async Task DialSockets(ReadOnlyMemory<byte> message)
    {
        for (var i = 0; i < Connections; i++)
        {
            using var socket = await _server!.DialAsync();
            if (!message.IsEmpty) _ = await socket.SendAsync(message);
            while (await socket.ReceiveAsync(_buffer.AsMemory()) > 0)
            {
                // Until the server has closed.
            }
        }
    }
}
