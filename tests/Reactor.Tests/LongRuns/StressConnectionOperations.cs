using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Reactor.Tests;

/// <summary>What threads do to a connection, its input and its output.</summary>
internal static class StressConnectionOperations
{
    public static IReadOnlyList<StressOperation> All { get; } =
    [
        new(["Connection.Id", "Connection.Loop", "Connection.LocalEndPoint", "Connection.RemoteEndPoint", "Connection.Input", "Connection.Output", "Connection.CloseReason", "Connection.ToString()"], Allowed.Nothing, Look),
        new(["Connection.Closed"], Allowed.Nothing, Closed),
        new(["Connection.ShutdownSend()"], Allowed.Nothing, static stress => CompleteOutput(stress, stress.Connection.ShutdownSend)),
        new(["Connection.Abort()"], Allowed.Nothing, static stress => Done(stress.Connection.Abort)),
        new(["Connection.CloseAsync()"], Allowed.Nothing, static stress => stress.Connection.CloseAsync().AsTask()),
        new(["Connection.DisposeAsync()"], Allowed.Nothing, static stress => stress.Connection.DisposeAsync().AsTask()),
        new(["Connection.GetPeerCredentialsAsync()"], Allowed.Credentials, Credentials),
        new(["Connection.IsAtMarkAsync()"], Allowed.Mark, static stress => stress.Connection.IsAtMarkAsync().AsTask()),
        new(["Connection.DiscardToMarkAsync(CancellationToken)"], Allowed.Discard, static stress => stress.Target.Reading(() => stress.Connection.DiscardToMarkAsync(stress.SomeToken()).AsTask())),
        new(["Connection.SendUrgentAsync(Byte)"], Allowed.Urgent, static stress => stress.Connection.SendUrgentAsync(stress.Target.Value).AsTask()),
        new(["Connection.ReceiveUrgentAsync(CancellationToken)"], Allowed.Urgent, ReceiveUrgent),
        new(["Connection.PeekAsync(Memory<Byte>, CancellationToken)"], Allowed.Read, static stress => stress.Target.Reading(() => Peek(stress))),
        new(["Connection.AsStream()"], Allowed.ReadOrWrite, static stress => ReadingAnew(stress, () => stress.Target.Flushing(() => UseStream(stress)))),

        new(["PipeReader.ReadAsync(CancellationToken)", "PipeReader.AdvanceTo(SequencePosition, SequencePosition)"], Allowed.Read, static stress => stress.Target.Reading(() => Read(stress))),
        new(["PipeReader.ReadAsync(CancellationToken)"], Allowed.Read, static stress => stress.Target.Reading(() => ReadTwice(stress))),
        new(["PipeReader.ReadAtLeastAsync(Int32, CancellationToken)", "PipeReader.AdvanceTo(SequencePosition)"], Allowed.Read, static stress => stress.Target.Reading(() => ReadAtLeast(stress))),
        new(["PipeReader.TryRead(ReadResult&)"], Allowed.Read, static stress => stress.Target.Reading(() => TryRead(stress))),
        new(["PipeReader.CancelPendingRead()"], Allowed.Nothing, static stress => Done(stress.Connection.Input.CancelPendingRead)),
        new(["PipeReader.CopyToAsync(Stream, CancellationToken)"], Allowed.Read, static stress => ReadingAnew(stress, () => stress.Connection.Input.CopyToAsync(Stream.Null, stress.SomeToken()))),
        new(["PipeReader.CopyToAsync(PipeWriter, CancellationToken)"], Allowed.ReadOrWrite, static stress => ReadingAnew(stress, () => stress.Target.Flushing(() => stress.Connection.Input.CopyToAsync(stress.Connection.Output, stress.SomeToken())))),
        new(["PipeReader.AsStream(Boolean)"], Allowed.Read, static stress => ReadingAnew(stress, () => ReadStream(stress))),
        new(["PipeReader.Complete(Exception)"], Allowed.Nothing, static stress => CompleteInput(stress, static input => Done(() => input.Complete()))),
        new(["PipeReader.CompleteAsync(Exception)"], Allowed.Nothing, static stress => CompleteInput(stress, static input => input.CompleteAsync().AsTask())),

        new(["PipeWriter.WriteAsync(ReadOnlyMemory<Byte>, CancellationToken)"], Allowed.Write, Write),
        new(["PipeWriter.WriteAsync(ReadOnlyMemory<Byte>, CancellationToken)"], Allowed.Write, static stress => stress.Target.Flushing(() => WriteTwice(stress))),
        new(["PipeWriter.GetMemory(Int32)", "PipeWriter.GetSpan(Int32)", "PipeWriter.Advance(Int32)", "PipeWriter.FlushAsync(CancellationToken)"], Allowed.Write, static stress => stress.Target.Flushing(() => Fill(stress))),
        new(["PipeWriter.CanGetUnflushedBytes", "PipeWriter.UnflushedBytes"], Allowed.Nothing, LookAtOutput),
        new(["PipeWriter.CancelPendingFlush()"], Allowed.Nothing, static stress => Done(stress.Connection.Output.CancelPendingFlush)),
        new(["PipeWriter.AsStream(Boolean)"], Allowed.Write, static stress => stress.Target.Flushing(() => WriteStream(stress))),
        new(["PipeWriter.Complete(Exception)"], Allowed.Nothing, static stress => CompleteOutput(stress, () => stress.Connection.Output.Complete(stress.Random.Next(2) == 0 ? null : new InvalidDataException("stress")))),
        new(["PipeWriter.CompleteAsync(Exception)"], Allowed.Nothing, static stress => CompleteOutput(stress, () => stress.Connection.Output.CompleteAsync().AsTask())),
    ];

    private static Task Look(StressCase stress)
    {
        var connection = stress.Connection;
        IsTrue(connection.Loop == stress.World.Loop && connection.Id > 0 && connection.CloseReason is >= CloseReason.None and <= CloseReason.Failed);
        IsTrue((connection.LocalEndPoint ?? connection.RemoteEndPoint) is not null && connection.ToString().Contains($"{connection.Id}", StringComparison.Ordinal));
        IsTrue(connection.Input is not null && connection.Output is not null);
        return Task.CompletedTask;
    }

    // All connections end sooner or later, and everybody who asked is told.
    private static async Task Closed(StressCase stress)
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        stress.Connection.Closed.UnsafeRegister(static told => ((TaskCompletionSource)told!).TrySetResult(), told);
        await told.Task;
        IsTrue(stress.Connection.CloseReason != CloseReason.None);
    }

    private static async Task Credentials(StressCase stress)
    {
        // Both ends are this process.
        var credentials = await stress.Connection.GetPeerCredentialsAsync();
        IsTrue(credentials.ProcessId == Environment.ProcessId);
    }

    private static async Task ReceiveUrgent(StressCase stress)
    {
        var value = await stress.Connection.ReceiveUrgentAsync(stress.SomeToken());
        IsTrue(value is null || value == stress.Target.Value);
    }

    private static async Task Peek(StressCase stress)
    {
        var bytes = new byte[stress.Random.Next(1, 3_000)];
        stress.Target.Check(new ReadOnlySequence<byte>(bytes, 0, await stress.Connection.PeekAsync(bytes, stress.SomeToken())));
    }

    private static async Task UseStream(StressCase stress)
    {
        // Disposing of it would close the connection, and does in one of eight.
        var stream = stress.Connection.AsStream();
        try
        {
            await stream.WriteAsync(Bytes(stress, 2_000), stress.SomeToken());
            await stream.FlushAsync(stress.SomeToken());
            var bytes = new byte[1_000];
            stress.Target.Check(new ReadOnlySequence<byte>(bytes, 0, await stream.ReadAsync(bytes, stress.SomeToken())));
        }
        finally
        {
            if (stress.Random.Next(8) == 0)
                await stream.DisposeAsync();
        }
    }

    private static async Task Read(StressCase stress)
    {
        var read = await stress.Connection.Input.ReadAsync(stress.SomeToken());
        stress.Target.Check(read.Buffer);
        var consumed = read.Buffer.GetPosition(stress.Random.NextInt64(read.Buffer.Length + 1));
        stress.Target.IsExaminedAhead = true;
        stress.Connection.Input.AdvanceTo(consumed, read.Buffer.End);
    }

    // Two reads at once are a mistake, and the second is told. On the loop nothing can come between the look and the try.
    private static async Task ReadTwice(StressCase stress)
    {
        stress.Target.IsExaminedAhead = true;
        var input = stress.Connection.Input;
        var first = input.ReadAsync(stress.SomeToken());
        try
        {
            await stress.World.Loop.InvokeAsync(() => IsTrue(first.IsCompleted || IsRefused(() => _ = input.ReadAsync().AsTask())));
        }
        finally
        {
            var read = await first;
            stress.Target.Check(read.Buffer);
            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static async Task WriteTwice(StressCase stress)
    {
        var output = stress.Connection.Output;
        var first = output.WriteAsync(Bytes(stress, 400_000), stress.SomeToken());
        try
        {
            await stress.World.Loop.InvokeAsync(() => IsTrue(first.IsCompleted || IsRefused(() => _ = output.WriteAsync(Bytes(stress, 10)).AsTask())));
        }
        finally
        {
            await first;
        }
    }

    private static bool IsRefused(Action second)
    {
        try
        {
            second();
            return false;
        }
        catch (Exception told) when (told is InvalidOperationException or ConnectionException)
        {
            return true;
        }
    }

    private static async Task ReadAtLeast(StressCase stress)
    {
        // While it waits for more it has examined what it does not consume.
        stress.Target.IsExaminedAhead = true;
        var read = await stress.Connection.Input.ReadAtLeastAsync(stress.Random.Next(1, 10_000), stress.SomeToken());
        stress.Target.Check(read.Buffer);
        stress.Connection.Input.AdvanceTo(read.Buffer.End);
        stress.Target.IsExaminedAhead = false;
    }

    private static Task TryRead(StressCase stress)
    {
        if (!stress.Connection.Input.TryRead(out var read))
            return Task.CompletedTask;
        stress.Target.Check(read.Buffer);
        stress.Connection.Input.AdvanceTo(read.Buffer.End);
        stress.Target.IsExaminedAhead = false;
        return Task.CompletedTask;
    }

    private static async Task ReadStream(StressCase stress)
    {
        var bytes = new byte[stress.Random.Next(1, 3_000)];
        var stream = stress.Connection.Input.AsStream(leaveOpen: true);
        stress.Target.Check(new ReadOnlySequence<byte>(bytes, 0, await stream.ReadAsync(bytes, stress.SomeToken())));
    }

    private static Task Write(StressCase stress)
    {
        // Now and then more than the system takes at once.
        var most = stress.Random.Next(16) == 0 ? 400_000 : 20_000;
        return stress.Target.Flushing(() => stress.Connection.Output.WriteAsync(Bytes(stress, most), stress.SomeToken()).AsTask());
    }

    private static async Task Fill(StressCase stress)
    {
        var output = stress.Connection.Output;
        for (var pieces = stress.Random.Next(4); pieces > 0; pieces--)
        {
            var length = stress.Random.Next(1, 5_000);
            if (stress.Random.Next(2) == 0)
                output.GetMemory(length).Span[..length].Fill(stress.Target.Value);
            else
                output.GetSpan(length)[..length].Fill(stress.Target.Value);
            output.Advance(length);
        }

        await output.FlushAsync(stress.SomeToken());
    }

    private static Task LookAtOutput(StressCase stress)
    {
        IsTrue(stress.Connection.Output is { CanGetUnflushedBytes: true, UnflushedBytes: >= 0 });
        return Task.CompletedTask;
    }

    private static async Task WriteStream(StressCase stress)
    {
        var stream = stress.Connection.Output.AsStream(leaveOpen: true);
        await stream.WriteAsync(Bytes(stress, 5_000), stress.SomeToken());
    }

    private static Task ReadingAnew(StressCase stress, Func<Task> work) =>
        stress.Target.Reading(() => stress.Target.IsExaminedAhead ? Task.CompletedTask : work());

    // Whoever completes ends the use of a connection for all others, so one of eight is enough.
    private static Task CompleteInput(StressCase stress, Func<PipeReader, Task> complete)
    {
        if (stress.Random.Next(8) != 0)
            return Task.CompletedTask;
        stress.Target.IsInputCompleted = true;
        return complete(stress.Connection.Input);
    }

    private static Task CompleteOutput(StressCase stress, Action complete) => CompleteOutput(stress, () => Done(complete));

    private static Task CompleteOutput(StressCase stress, Func<Task> complete)
    {
        if (stress.Random.Next(8) != 0)
            return Task.CompletedTask;
        stress.Target.IsOutputCompleted = true;
        return complete();
    }

    private static ReadOnlyMemory<byte> Bytes(StressCase stress, int most)
    {
        var bytes = new byte[stress.Random.Next(1, most)];
        bytes.AsSpan().Fill(stress.Target.Value);
        return bytes;
    }

    private static Task Done(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    private static void IsTrue(bool holds, [CallerArgumentExpression(nameof(holds))] string what = "")
    {
        if (!holds)
            throw new AssertionException($"This does not hold: {what}");
    }
}
