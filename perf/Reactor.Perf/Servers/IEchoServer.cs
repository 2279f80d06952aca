namespace Reactor.Perf.Servers;

/// <summary>An echo server that listens on the loopback address until it is disposed of.</summary>
internal interface IEchoServer : IAsyncDisposable
{
    int Port { get; }
}
