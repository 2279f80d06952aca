namespace Reactor.Benchmarks.Fixtures;

/// <summary>Both ends of one connection on one loop: a dialled one, and <see cref="Handlers.Echo"/>.</summary>
internal sealed class ReactorEnds : IDisposable
{
    private readonly LoopRunner _runner = new();
    private Connection? _connection;

    internal static ReactorEnds Make(Transport transport)
    {
        var ends = new ReactorEnds();
        ends._runner.Run(async () =>
        {
            var listener = await ends._runner.Loop.ListenAsync(transport.NewEndPoint(), Handlers.Echo);
            ends._connection = await ends._runner.Loop.ConnectAsync(listener.LocalEndPoint);
        });
        return ends;
    }

    internal void Run(Func<Task> work) => _runner.Run(work);

    /// <summary>Sends <paramref name="deep"/> messages and reads as many back, again and again. On the loop.</summary>
    internal async Task ExchangeAsync(ReadOnlyMemory<byte> message, int deep, int times)
    {
        var (input, output) = (_connection!.Input, _connection.Output);
        for (var i = 0; i < times; i++)
        {
            for (var j = 0; j < deep; j++) await output.WriteAsync(message);
            for (var left = (long)deep * message.Length; left > 0;)
            {
                var read = await input.ReadAsync();
                if (read.IsCompleted) throw new EndOfStreamException("The peer closed the connection.");
                left -= read.Buffer.Length;
                input.AdvanceTo(read.Buffer.End);
            }
        }
    }

    public void Dispose() => _runner.Dispose();
}
