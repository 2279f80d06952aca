using System.Buffers;

namespace Reactor.Perf.Servers;

/// <summary>Whatever comes from one connection goes to all, the sender too: a set of connections on one loop of Reactor's.</summary>
internal static class ReactorFanOut
{
    // A receiver that does not read is given up by the loop itself.
    private static readonly ListenOptions Options = new() { MaxUnsentBytes = 1024 * 1024 };

    public static Task<ILoopbackServer> StartAsync(int port)
    {
        // Only the loop's thread touches it.
        var receivers = new HashSet<Receiver>();
        return ReactorServer.StartAsync(port, EventLoop.Start(), connection => ServeAsync(connection, receivers), Options);
    }

    private static async Task ServeAsync(Connection connection, HashSet<Receiver> receivers)
    {
        var self = new Receiver(connection);
        receivers.Add(self);
        try
        {
            while (true)
            {
                var read = await connection.Input.ReadAsync();
                foreach (var receiver in receivers)
                    receiver.Send(read.Buffer);
                connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    return;
            }
        }
        finally
        {
            receivers.Remove(self);
        }
    }

    private sealed class Receiver(Connection connection)
    {
        private bool _isFlushing;

        /// <summary>Does not wait: what is written while a flush does goes out with the next one.</summary>
        public void Send(in ReadOnlySequence<byte> message)
        {
            try
            {
                foreach (var segment in message)
                    connection.Output.Write(segment.Span);
                if (_isFlushing)
                    return;
                var flush = connection.Output.FlushAsync();
                if (flush.IsCompletedSuccessfully)
                    _ = flush.Result;
                else
                    _ = FlushAsync(flush);
            }
            catch (ConnectionException)
            {
                // It has ended, as its own handler will find.
            }
        }

        private async Task FlushAsync(ValueTask<System.IO.Pipelines.FlushResult> flush)
        {
            _isFlushing = true;
            try
            {
                await flush;
                while (connection.Output.UnflushedBytes > 0)
                    await connection.Output.FlushAsync();
            }
            catch (ConnectionException)
            {
                // The same.
            }
            finally
            {
                _isFlushing = false;
            }
        }
    }
}
