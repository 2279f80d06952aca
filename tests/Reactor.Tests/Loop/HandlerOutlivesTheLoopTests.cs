using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A handler that still waits for something when the loop has ended goes on somewhere, and ends there.</summary>
[TestFixture]
public sealed class HandlerOutlivesTheLoopTests
{
    private readonly List<Exception> _lost = [];

    [SetUp]
    public void Listen_for_lost_exceptions()
    {
        // Those of earlier tests are not meant.
        Collect();
        _lost.Clear();
        TaskScheduler.UnobservedTaskException += Note;
    }

    [TearDown]
    public void Listen_no_more() => TaskScheduler.UnobservedTaskException -= Note;

    [Test]
    public async Task It_ends_without_harm_and_nothing_holds_its_connection()
    {
        using var log = new LogRecorder();
        var release = new TaskCompletionSource();
        var connection = await Outlive(log, _ => release.Task);

        release.SetResult();

        // Who serves it holds it to the last.
        await Until.True(() => IsCollected(connection));
        Collect();
        Assert.That(_lost, Is.Empty);
        Assert.That(log.Above(LogLevel.Warning), Is.Empty);
    }

    [Test]
    public async Task One_that_fails_then_is_logged()
    {
        using var log = new LogRecorder();
        var release = new TaskCompletionSource();
        var connection = await Outlive(log, async _ =>
        {
            await release.Task;
            throw new InvalidDataException("late");
        });

        release.SetResult();

        await Until.True(() => log.Above(LogLevel.Warning).Any());
        Assert.That(log.Above(LogLevel.Warning).Single().Exception!.Message, Is.EqualTo("late"));
        await Until.True(() => IsCollected(connection));
        Collect();
        Assert.That(_lost, Is.Empty);
    }

    [Test]
    public async Task What_it_does_with_its_connection_then_is_refused_and_does_not_hang()
    {
        using var log = new LogRecorder();
        var release = new TaskCompletionSource();
        var told = new TaskCompletionSource<(CloseReason, Exception?, Exception?)>(TaskCreationOptions.RunContinuationsAsynchronously);
        await Outlive(log, async connection =>
        {
            await release.Task;
            var write = await Failure(async () => await connection.Output.WriteAsync("late"u8.ToArray()));
            var read = await Failure(async () => await connection.Input.ReadAsync());
            connection.ShutdownSend();
            connection.Abort();
            await connection.CloseAsync();
            told.SetResult((connection.CloseReason, write, read));
        });

        release.SetResult();

        var (reason, ofWrite, ofRead) = await told.Task.Within();
        Assert.That(reason, Is.EqualTo(CloseReason.LoopStopped));
        Assert.That(ofWrite, Is.InstanceOf<ConnectionAbortedException>());
        Assert.That(ofRead, Is.InstanceOf<ConnectionAbortedException>());
        Assert.That(log.Above(LogLevel.Warning), Is.Empty);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> Outlive(LogRecorder log, ConnectionHandler handler)
    {
        var loop = TestLoop.Start(log: log, shutdownTimeout: TimeSpan.Zero);
        var served = new TaskCompletionSource<WeakReference>(TaskCreationOptions.RunContinuationsAsynchronously);
        var listener = await loop.ListenAsync(Loopback.AnyPort, connection =>
        {
            served.SetResult(new WeakReference(connection));
            return handler(connection);
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        var reference = await served.Task.Within();

        await loop.DisposeAsync().Within();

        Assert.That(peer.EndsInOrder(), Is.False, "It was reset.");
        return reference;
    }

    private static async Task<Exception?> Failure(Func<Task> action)
    {
        try
        {
            await action();
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }

    private static bool IsCollected(WeakReference reference)
    {
        Collect();
        return !reference.IsAlive;
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    private void Note(object? sender, UnobservedTaskExceptionEventArgs unobserved) => _lost.Add(unobserved.Exception);
}
