using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A kind of conversation.</summary>
/// <param name="Name">What it is called in the tally.</param>
/// <param name="Outcomes">How it may end; everything else fails the run.</param>
/// <param name="Hold">Holds it and tells how it ended: complete, or why the connection ended.</param>
internal sealed record ChurnKind(string Name, string[] Outcomes, Func<ChurnConversation, Task<string>> Hold);

/// <summary>All kinds of conversation, by who ends it and how.</summary>
internal static class ChurnKinds
{
    private const string Complete = ChurnConversation.Complete;
    private const string CutShort = ChurnConversation.CutShort;

    // A Unix-domain socket knows no reset: the end of one that was aborted looks like a FIN where nothing was left unread.
    private static readonly string[] _brokenThere = [nameof(CloseReason.Reset), CutShort];

    public static IReadOnlyList<ChurnKind> All { get; } =
    [
        new("talk, close", [Complete], static talk => Talk(talk, ChurnStyle.Patient)),
        new("talk, close lingering", [Complete], static talk => Talk(talk, ChurnStyle.Lingering)),
        new("talk, close with a reset", [Complete], static talk => Talk(talk, ChurnStyle.Abrupt)),
        new("talk, half-close, go on receiving", [Complete], HalfClose),
        new("the server half-closes", [Complete], ServerHalfCloses),
        new("close at once", [Complete], CloseAtOnce),
        new("close midway", [Complete, nameof(CloseReason.Reset)], CloseMidway),
        new("close under a read", [nameof(CloseReason.ClosedLocally)], CloseUnderRead),
        new("linger while the server sends", [Complete, nameof(CloseReason.Reset)], LingerWhileServerSends),
        new("abort midway", [nameof(CloseReason.Aborted)], AbortMidway),
        new("the server aborts", _brokenThere, ServerAborts),
        new("the server closes", [Complete], static talk => ServerCloses(talk, ChurnRole.EchoThenClose)),
        new("the server's handler throws", [Complete], static talk => ServerCloses(talk, ChurnRole.EchoThenThrow)),
        new("idle timeout here", [nameof(CloseReason.IdleTimeout)], static talk => Idle(talk, ChurnStyle.ShortIdle, impatient: false)),
        new("idle timeout there", _brokenThere, static talk => Idle(talk, ChurnStyle.Patient, impatient: true)),
        new("first-byte timeout there", _brokenThere, NoFirstByte),
        new("write timeout here", [nameof(CloseReason.WriteTimeout)], static talk => SendToDeaf(talk, ChurnStyle.ShortWrite)),
        new("write timeout there", [nameof(CloseReason.Reset), CutShort], DeafToServer),
        new("close timeout here", [nameof(CloseReason.CloseTimeout)], CloseTimeoutHere),
        new("too much unsent", [nameof(CloseReason.SendLimit)], static talk => SendToDeaf(talk, ChurnStyle.LittleUnsent)),

        // On libkqueue nobody hears of one.
        .. KqueueLibrary.Path is null ? [new ChurnKind("urgent bytes", [Complete], Urgent)] : Array.Empty<ChurnKind>(),
        new("dial, cancelled midway", [Complete, "dial: Canceled"], CancelDial),
        new("dial into silence", ["dial: Canceled", "dial: TimedOut"], DialIntoSilence),
        new("dial, refused", ["dial: Refused"], static talk => DialRefused(talk)),
    ];

    private static async Task<string> Talk(ChurnConversation talk, ChurnStyle style)
    {
        await talk.Dial(ChurnRole.Echo, style: style);
        for (var rounds = talk.Random.Next(1, 9); rounds > 0; rounds--)
        {
            var size = Size(talk.Random, 20_000);
            await talk.Send(size);
            await talk.Receive(size);
        }

        return await talk.Close(CloseReason.ClosedLocally);
    }

    private static async Task<string> HalfClose(ChurnConversation talk)
    {
        await talk.Dial(ChurnRole.Echo);
        var size = Size(talk.Random, 500_000);
        var sending = SendAndEnd(talk, size);
        var outcome = await talk.ReceiveToEnd(size);
        await sending;

        // The server, too, has ended its side: the connection is over by itself.
        await talk.Ended();
        return outcome;
    }

    private static async Task SendAndEnd(ChurnConversation talk, long size)
    {
        await talk.Send(size);
        talk.Connection.ShutdownSend();
    }

    private static async Task<string> ServerHalfCloses(ChurnConversation talk)
    {
        var amount = Size(talk.Random, 200_000);
        await talk.Dial(ChurnRole.SendThenEnd, amount);
        var outcome = await talk.ReceiveToEnd(amount);
        await SendAndEnd(talk, Size(talk.Random, 100_000));
        await talk.Ended();
        return outcome;
    }

    private static async Task<string> CloseAtOnce(ChurnConversation talk)
    {
        if (await talk.TryDial(talk.Transport.Patient.LocalEndPoint, ChurnStyle.Patient) is { } failed)
            return failed;
        return await talk.Close(CloseReason.ClosedLocally);
    }

    private static async Task<string> CloseMidway(ChurnConversation talk)
    {
        await talk.Dial(ChurnRole.Echo);
        await talk.Send(Size(talk.Random, 50_000));
        return await talk.Close(CloseReason.ClosedLocally);
    }

    private static async Task<string> CloseUnderRead(ChurnConversation talk)
    {
        await talk.Dial(ChurnRole.Echo);
        await talk.Send(100);
        await talk.Receive(100);
        var spins = talk.Random.Next(5_000);
        var closing = Task.Run(() =>
        {
            Thread.SpinWait(spins);
            return talk.Connection.CloseAsync().AsTask();
        });
        try
        {
            return await talk.ReceiveToEnd(0);
        }
        finally
        {
            await closing;
        }
    }

    private static async Task<string> LingerWhileServerSends(ChurnConversation talk)
    {
        var amount = Size(talk.Random, 300_000);
        await talk.Dial(ChurnRole.SendThenEnd, amount, ChurnStyle.Lingering);
        await talk.Send(Size(talk.Random, 1_000));
        return await talk.Close(CloseReason.ClosedLocally);
    }

    private static async Task<string> AbortMidway(ChurnConversation talk)
    {
        await talk.Dial(ChurnRole.Echo);
        var size = Size(talk.Random, 60_000);
        await talk.Send(size);
        await talk.Receive(size);
        await talk.Send(size);
        talk.Connection.Abort();
        return await talk.ReceiveToEnd(size);
    }

    private static async Task<string> ServerAborts(ChurnConversation talk)
    {
        var amount = Size(talk.Random, 100_000);
        await talk.Dial(ChurnRole.EchoThenAbort, amount);
        var sending = talk.Send(2L * amount);
        try
        {
            // The end looks like that of a stream on a Unix-domain connection, and all may have been echoed before.
            return await talk.ReceiveToEnd(-1);
        }
        finally
        {
            talk.Connection.Abort();
            await sending.ContinueWith(static ended => _ = ended.Exception, TaskScheduler.Default);
        }
    }

    private static async Task<string> ServerCloses(ChurnConversation talk, ChurnRole role)
    {
        var amount = Size(talk.Random, 100_000);
        await talk.Dial(role, amount);
        var sending = talk.Send(amount);
        var outcome = await talk.ReceiveToEnd(amount);
        await sending;
        return outcome.Equals(Complete, StringComparison.Ordinal) ? await talk.Close(CloseReason.ClosedByPeer) : outcome;
    }

    private static async Task<string> Idle(ChurnConversation talk, ChurnStyle style, bool impatient)
    {
        await talk.Dial(ChurnRole.Echo, style: style, impatient: impatient);
        await talk.Send(100);
        await talk.Receive(100);
        return await talk.ReceiveToEnd(1);
    }

    private static async Task<string> NoFirstByte(ChurnConversation talk)
    {
        if (await talk.TryDial(talk.Transport.Impatient.LocalEndPoint, ChurnStyle.Patient) is { } failed)
            return failed;
        return await talk.ReceiveToEnd(1);
    }

    private static async Task<string> SendToDeaf(ChurnConversation talk, ChurnStyle style)
    {
        await talk.Dial(ChurnRole.NeverRead, style: style);

        // Many times what the systems' buffers take.
        await talk.Send(16 * 1024 * 1024);
        return Complete;
    }

    private static async Task<string> DeafToServer(ChurnConversation talk)
    {
        await talk.Dial(ChurnRole.SendForEver, impatient: true);
        await talk.Deaf();
        return await talk.ReceiveToEnd(-1);
    }

    private static async Task<string> CloseTimeoutHere(ChurnConversation talk)
    {
        await talk.Dial(ChurnRole.NeverRead, style: ChurnStyle.ShortClose);
        await talk.Send(800_000);
        return await talk.Close(CloseReason.ClosedLocally);
    }

    private static async Task<string> Urgent(ChurnConversation talk)
    {
        talk.Transport = talk.AnyTcp();
        await talk.Dial(ChurnRole.EchoUrgent);
        for (var rounds = talk.Random.Next(1, 4); rounds > 0; rounds--)
        {
            var size = Size(talk.Random, 10_000);
            await talk.Send(size);
            await talk.Receive(size);

            // With nothing else on its way no read can go over the mark and so lose the byte.
            var value = (byte)talk.Random.Next(256);
            await talk.Connection.SendUrgentAsync(value);
            if (await talk.ReceiveUrgent() != value)
                throw new AssertionException($"{talk}: another urgent byte than {value}.");
        }

        return await talk.Close(CloseReason.ClosedLocally);
    }

    private static async Task<string> CancelDial(ChurnConversation talk)
    {
        using var canceling = new CancellationTokenSource();
        var spins = talk.Random.Next(3_000);
        var cancel = Task.Run(() =>
        {
            Thread.SpinWait(spins);
            canceling.Cancel();
        });
        var failed = await talk.TryDial(talk.Transport.Patient.LocalEndPoint, ChurnStyle.Patient, canceling.Token);
        await cancel;
        if (failed is not null)
            return failed;

        // The cancellation came late and must mean nothing to the connection.
        await talk.Ask(ChurnRole.Echo);
        await talk.Send(100);
        await talk.Receive(100);
        return await talk.Close(CloseReason.ClosedLocally);
    }

    private static async Task<string> DialIntoSilence(ChurnConversation talk)
    {
        using var canceling = new CancellationTokenSource(TimeSpan.FromMilliseconds(talk.Random.Next(1, 120)));
        return await talk.TryDial(talk.Hanging, ChurnStyle.Hasty, canceling.Token) ?? "connected";
    }

    private static async Task<string> DialRefused(ChurnConversation talk) =>
        await talk.TryDial(talk.Refusing, talk.Random.Next(2) == 0 ? ChurnStyle.Patient : ChurnStyle.Retrying) ?? "connected";

    // Small ones as a rule, and now and then a large one.
    private static int Size(Random random, int most) => 1 + (int)(most * Math.Pow(random.NextDouble(), 3));
}
