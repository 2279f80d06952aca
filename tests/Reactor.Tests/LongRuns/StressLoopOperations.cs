using System.Net;
using System.Runtime.CompilerServices;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What threads do to a loop, its timers, its listeners and its connectors.</summary>
internal static class StressLoopOperations
{
    private static readonly TimeSpan _soon = TimeSpan.FromMilliseconds(2);

    public static IReadOnlyList<StressOperation> All { get; } =
    [
        new(["EventLoop.IsOnLoop", "EventLoop.Kernel", "EventLoop.Connector", "EventLoop.SynchronizationContext", "EventLoop.Counters"], Allowed.Nothing, LookAtLoop),
        new(["EventLoop.Stopping"], Allowed.Nothing, static stress => Done(() => IsTrue(!stress.World.Loop.Stopping.IsCancellationRequested || stress.World.IsEnding))),
        new(["EventLoop.Post(Action)"], Allowed.Nothing, static stress => Answered(told => stress.World.Loop.Post(told))),
        new(["EventLoop.Post(SendOrPostCallback, Object)"], Allowed.Nothing, static stress => Answered(told => stress.World.Loop.Post(static told => ((Action)told!)(), told))),
        new(["EventLoop.InvokeAsync(Action)"], Allowed.Nothing, static stress => stress.World.Loop.InvokeAsync(() => OnLoop(stress))),
        new(["EventLoop.InvokeAsync(Func<T>)"], Allowed.Nothing, static async stress => IsTrue(await stress.World.Loop.InvokeAsync(() => stress.World.Loop.IsOnLoop))),
        new(["EventLoop.InvokeAsync(Func<Task>)"], Allowed.Nothing, static stress => stress.World.Loop.InvokeAsync(() => YieldOnLoop(stress))),
        new(["EventLoop.InvokeAsync(Func<Task<T>>)"], Allowed.Nothing, static async stress => IsTrue(await stress.World.Loop.InvokeAsync(() => YieldOnLoop(stress)))),
        new(["EventLoop.StartTimer(TimeSpan, Action)"], Allowed.Nothing, static stress => Answered(told => stress.World.Loop.StartTimer(_soon, told), stress.World.Ended)),
        new(["LoopTimer.Restart(TimeSpan)", "LoopTimer.IsPending"], Allowed.Nothing, RestartTimer),
        new(["LoopTimer.Cancel()"], Allowed.Nothing, static stress => Done(() => stress.World.AnyTimer(stress.Random).Cancel())),
        new(["LoopTimer.Dispose()"], Allowed.Nothing, static stress => Done(() => stress.World.AnyTimer(stress.Random).Dispose())),
        new(["EventLoop.ListenAsync(EndPoint, ConnectionHandler, ListenOptions, CancellationToken)", "Listener.DisposeAsync()", "Listener.Completion"], Allowed.Canceled, Listen),
        new(["EventLoop.ListenAsync(Int32, ConnectionHandler, ListenOptions)"], Allowed.Nothing, ListenInherited),
        new(["Listener.LocalEndPoint", "Listener.Accepted", "Listener.Refused", "Listener.Active", "Listener.ToString()"], Allowed.Nothing, LookAtListener),
        new(["EventLoop.ConnectAsync(EndPoint, CancellationToken)"], Allowed.Dial, static stress => Close(stress, stress.World.Loop.ConnectAsync(stress.World.AnyAddress(stress.Random), stress.SomeToken()))),
        new(["EventLoop.ConnectAsync(String, Int32, CancellationToken)"], Allowed.Dial, static stress => Close(stress, stress.World.Loop.ConnectAsync(Host(stress), stress.World.Port, stress.SomeToken()))),
        new(["EventLoop.TryConnectAsync(EndPoint, CancellationToken)"], Allowed.Nothing, static stress => Close(stress, stress.World.Loop.TryConnectAsync(stress.World.AnyAddress(stress.Random), stress.SomeToken()))),
        new(["EventLoop.TryConnectAsync(String, Int32, CancellationToken)"], Allowed.Nothing, static stress => Close(stress, stress.World.Loop.TryConnectAsync(Host(stress), stress.World.Port, stress.SomeToken()))),
        new(["Connector.ConnectAsync(EndPoint, CancellationToken)"], Allowed.Dial, static stress => Close(stress, stress.World.AnyConnector(stress.Random).ConnectAsync(stress.World.AnyAddress(stress.Random), stress.SomeToken()))),
        new(["Connector.ConnectAsync(String, Int32, CancellationToken)"], Allowed.Dial, static stress => Close(stress, stress.World.AnyConnector(stress.Random).ConnectAsync(Host(stress), stress.World.Port, stress.SomeToken()))),
        new(["Connector.TryConnectAsync(EndPoint, CancellationToken)"], Allowed.Nothing, static stress => Close(stress, stress.World.AnyConnector(stress.Random).TryConnectAsync(stress.World.AnyAddress(stress.Random), stress.SomeToken()))),
        new(["Connector.TryConnectAsync(String, Int32, CancellationToken)"], Allowed.Nothing, static stress => Close(stress, stress.World.AnyConnector(stress.Random).TryConnectAsync(Host(stress), stress.World.Port, stress.SomeToken()))),
        new(["Connector.new(EventLoop, ConnectOptions)", "Connector.Loop", "Connector.Options", "Connector.InFlight", "Connector.Queued"], Allowed.Nothing, NewConnector),
        new(["EventLoop.Start(EventLoopOptions)", "EventLoop.DisposeAsync()"], Allowed.Nothing, LoopOfItsOwn),
    ];

    private static Task LookAtLoop(StressCase stress)
    {
        var loop = stress.World.Loop;
        var counters = loop.Counters;
        IsTrue(counters.Turns >= 0 && counters.Connections >= 0 && loop.Connector.Loop == loop && loop.Kernel == Kernel.System);
        if (!loop.IsOnLoop)
            return Answered(told => loop.SynchronizationContext.Post(static told => ((Action)told!)(), told));
        IsTrue(SynchronizationContext.Current == loop.SynchronizationContext);
        return Task.CompletedTask;
    }

    private static void OnLoop(StressCase stress) => IsTrue(stress.World.Loop.IsOnLoop);

    private static async Task<bool> YieldOnLoop(StressCase stress)
    {
        await Task.Yield();

        // A loop that has ended has no thread to come back to.
        return stress.World.Loop.IsOnLoop || stress.World.IsEnding;
    }

    private static Task RestartTimer(StressCase stress)
    {
        var timer = stress.World.AnyTimer(stress.Random);
        timer.Restart(TimeSpan.FromMilliseconds(stress.Random.Next(5)));
        _ = timer.IsPending;
        return Task.CompletedTask;
    }

    private static async Task Listen(StressCase stress)
    {
        // Ports come and go; of those that are dialled at this moment nobody but this operation knows.
        EndPoint address = stress.Random.Next(2) == 0 ? Loopback.AnyPort : stress.World.NewUnixAddress();
        var handler = stress.Random.Next(2) == 0 ? Handlers.Echo : (ConnectionHandler)Handlers.Discard;
        var listener = await stress.World.Loop.ListenAsync(address, handler, cancellationToken: stress.SomeToken());
        var dialling = stress.World.Loop.TryConnectAsync(listener.LocalEndPoint).AsTask();
        try
        {
            var elsewhere = Task.Run(() => listener.DisposeAsync().AsTask());
            await listener.DisposeAsync();
            await elsewhere;
            await listener.Completion;
        }
        finally
        {
            if ((await dialling).Connection is { } connection)
                await connection.CloseAsync();
        }
    }

    private static async Task ListenInherited(StressCase stress)
    {
        var descriptor = Inherited.Listening(Loopback.AnyPort);
        try
        {
            await (await stress.World.Loop.ListenAsync(descriptor, Handlers.Echo)).DisposeAsync();
        }
        catch (ObjectDisposedException)
        {
            // The loop has ended and did not take it.
            _ = Kernel.System.Close(descriptor);
            throw;
        }
    }

    private static Task LookAtListener(StressCase stress)
    {
        var listener = stress.World.AnyListener(stress.Random);
        IsTrue(listener is { Accepted: >= 0, Refused: >= 0, Active: >= 0 } && listener.ToString().Contains(listener.LocalEndPoint.ToString()!, StringComparison.Ordinal));
        return Task.CompletedTask;
    }

    private static async Task NewConnector(StressCase stress)
    {
        var connector = new Connector(stress.World.Loop, new ConnectOptions { MaxInFlight = 1, ConnectsPerSecond = 5_000 });
        IsTrue(connector.Loop == stress.World.Loop && connector.Options.MaxInFlight == 1);
        var dials = Enumerable.Range(0, 3).Select(_ => connector.TryConnectAsync(stress.World.AnyAddress(stress.Random), stress.SomeToken()).AsTask()).ToList();
        IsTrue(connector is { InFlight: >= 0 and <= 1, Queued: >= 0 and <= 3 });
        foreach (var dial in dials)
            await Close(stress, new ValueTask<ConnectResult>(dial));
    }

    // Starting a thread costs as much as hundreds of the others; one of sixteen is enough.
    private static async Task LoopOfItsOwn(StressCase stress)
    {
        if (stress.Random.Next(16) != 0)
            return;
        var loop = EventLoop.Start(TestLoop.Options(shutdownTimeout: TimeSpan.FromMilliseconds(50)));
        var dialling = loop.TryConnectAsync(stress.World.AnyAddress(stress.Random)).AsTask();
        if (stress.Random.Next(2) == 0)
            await dialling;
        var elsewhere = Task.Run(() => loop.DisposeAsync().AsTask());
        await loop.DisposeAsync();
        await elsewhere;
        try
        {
            if ((await dialling).Connection is { } connection)
                await connection.CloseAsync();
        }
        catch (ObjectDisposedException)
        {
            // It was over before the dial had begun.
        }

        IsTrue(loop.Counters is { Connections: 0, Registrations: 0, Timers: 0, RentedBuffers: 0 });
    }

    private static string Host(StressCase stress) => stress.Random.Next(8) == 0 ? "localhost" : "127.0.0.1";

    private static async Task Close(StressCase stress, ValueTask<Connection> dialling)
    {
        var connection = await dialling;
        if (stress.Random.Next(2) == 0)
            connection.Abort();
        await connection.CloseAsync();
    }

    private static async Task Close(StressCase stress, ValueTask<ConnectResult> dialling)
    {
        var result = await dialling;
        if (result.Connection is not { } connection)
            IsTrue(result.Outcome is ConnectOutcome.Canceled);
        else
            await Close(stress, new ValueTask<Connection>(connection));
    }

    private static async Task Answered(Action<Action> ask, Task? orNot = null)
    {
        var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ask(answered.SetResult);
        await (orNot is null ? answered.Task : Task.WhenAny(answered.Task, orNot));
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
