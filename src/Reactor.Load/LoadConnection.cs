using System.Diagnostics;
using System.IO.Pipelines;

namespace Reactor.Load;

/// <summary>
/// One connection of a load: it connects, waits until the others have, sends its messages, each after the reply to the
/// one before, stays open until all are done, and closes.
/// </summary>
internal sealed class LoadConnection(LoadRun run)
{
    private Connection? _connection;
    private ReplyCheck _reply;
    private int _messages;

    // When the message was sent that is not answered yet; 0 exactly while there is none.
    private long _awaitingSince;
    private bool _gaveUp;

    /// <summary>Whether the connection is established and nothing has ended it.</summary>
    public bool IsOpen => _connection is { CloseReason: CloseReason.None };

    /// <summary>Connects, talks, waits for the others, closes.</summary>
    public async Task RunAsync()
    {
        var finished = false;
        try
        {
            var result = await run.Connector.TryConnectAsync(run.Plan.Target, run.Stopping);
            run.ConnectSettled(result);
            if (result.Connection is null)
                return;
            _connection = result.Connection;
            await run.MayTalk;

            while (run.GoesOn(_messages))
            {
                BeginMessage();
                await _connection.Output.WriteAsync(run.Plan.Message);
                MessageSent();
                while (_awaitingSince != 0)
                    TakeReply(await _connection.Input.ReadAsync());
            }

            finished = true;
            run.ConnectionFinished();
            await run.AllFinished;
            TakeUnasked();
            run.Tally.HeldOpen();
            await _connection.CloseAsync();
        }
        catch (IOException e)
        {
            Failed(e);
        }
        finally
        {
            // All others wait for this one, also when it has failed.
            if (!finished)
                run.ConnectionFinished();
        }
    }

    /// <summary>Gives up on a reply that does not come. The pending read or write then fails.</summary>
    public void GiveUpWhenSilent(TimeSpan timeout)
    {
        if (_awaitingSince == 0 || Stopwatch.GetElapsedTime(_awaitingSince) < timeout)
            return;
        _gaveUp = true;
        _connection?.Abort();
    }

    /// <summary>Ends the connection wherever it is.</summary>
    public void Stop() => _connection?.Abort();

    private void BeginMessage()
    {
        _reply.Begin();
        _awaitingSince = Stopwatch.GetTimestamp();
    }

    private void MessageSent()
    {
        run.Tally.Sent(run.Plan.Message.Length);
        if (run.Plan.Expect != ReplyExpectation.None)
            return;
        run.Tally.SentWithoutReply();
        TakeUnasked();
        EndMessage();
    }

    private void TakeReply(ReadResult read)
    {
        var isComplete = _reply.Take(read.Buffer, run.Expected);
        run.Tally.Received(read.Buffer.Length);
        _connection!.Input.AdvanceTo(read.Buffer.End);
        if (isComplete)
        {
            run.Tally.RoundTrip(Stopwatch.GetElapsedTime(_awaitingSince), _reply);
            EndMessage();
        }
        else if (read.IsCompleted)
        {
            throw new EndOfStreamException();
        }
    }

    private void EndMessage()
    {
        _awaitingSince = 0;
        _messages++;
    }

    // What came although no reply was due: bytes after the last reply, or the peer's end while all were to stay open.
    private void TakeUnasked()
    {
        var input = _connection!.Input;
        while (input.TryRead(out var read))
        {
            run.Tally.Received(read.Buffer.Length);
            if (read.Buffer.Length > 0 && run.Plan.Expect != ReplyExpectation.None)
                run.Tally.UnaskedReply();
            input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                throw new EndOfStreamException();
        }
    }

    private void Failed(IOException e)
    {
        // Whoever stopped the load has ended all of its connections; that is no failure of theirs.
        if (!run.Stopping.IsCancellationRequested)
            run.Tally.Failed(_gaveUp ? "reply timed out" : NameOf(e));
        _awaitingSince = 0;
        _connection?.Abort();
    }

    private static string NameOf(IOException e) => e switch
    {
        ConnectionException { Errno: not Errno.None and var errno } => errno.Name,
        ConnectionAbortedException aborted => aborted.Reason.ToString(),
        EndOfStreamException => "closed by peer",
        _ => e.GetType().Name,
    };
}
