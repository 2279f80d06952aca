namespace Reactor.Perf.Servers;

/// <summary>A server that listens on the loopback address until it is disposed of.</summary>
internal interface ILoopbackServer : IAsyncDisposable
{
    int Port { get; }
}
