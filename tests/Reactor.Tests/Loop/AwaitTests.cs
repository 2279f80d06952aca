using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Where code goes on after an await, and what flows with it.</summary>
[TestFixture]
public sealed class AwaitTests
{
    private static readonly AsyncLocal<string?> Ambient = new();

    [Test]
    public async Task An_await_of_a_foreign_task_in_a_handler_comes_back_to_the_loop()
    {
        await using var loop = TestLoop.Start();
        var onLoop = new List<bool>();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            await Task.Delay(1);
            onLoop.Add(loop.IsOnLoop);
            await Task.Run(static () => { });
            onLoop.Add(loop.IsOnLoop);
            await Task.Yield();
            onLoop.Add(loop.IsOnLoop);
            await connection.Output.WriteAsync("x"u8.ToArray());
            onLoop.Add(loop.IsOnLoop);
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);

        Assert.That(peer.ReadText(1), Is.EqualTo("x"));
        Assert.That(peer.EndsInOrder(), Is.True);
        Assert.That(onLoop, Is.EqualTo([true, true, true, true]));
    }

    [Test]
    public async Task A_handler_that_leaves_the_loop_with_ConfigureAwait_false_still_works()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            await Task.Delay(1).ConfigureAwait(false);
            while (true)
            {
                var read = await connection.Input.ReadAsync().ConfigureAwait(false);
                foreach (var segment in read.Buffer)
                    await connection.Output.WriteAsync(segment).ConfigureAwait(false);
                connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    return;
            }
        }).Within();
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        for (var i = 0; i < 200; i++)
        {
            peer.Send("hello");
            Assert.That(peer.ReadText(5), Is.EqualTo("hello"));
        }

        peer.HalfClose();
        Assert.That(peer.EndsInOrder(), Is.True);
    }

    [Test]
    public async Task Code_elsewhere_goes_on_elsewhere_and_never_on_the_loop()
    {
        await using var wire = await Wire.Dial();
        await Task.Run(async () =>
        {
            for (var i = 0; i < 50; i++)
            {
                wire.Peer.Send("x");
                var read = await wire.Connection.Input.ReadAsync();
                Assert.That(wire.Loop.IsOnLoop, Is.False);
                wire.Connection.Input.AdvanceTo(read.Buffer.End);
                await wire.Connection.Output.WriteAsync("y"u8.ToArray());
                Assert.That(wire.Loop.IsOnLoop, Is.False);
            }
        }).Within();
    }

    [Test]
    public async Task A_synchronization_context_of_the_caller_s_own_gets_its_continuations()
    {
        await using var wire = await Wire.Dial();
        var posted = 0;
        var context = new CountingContext(() => Interlocked.Increment(ref posted));
        await Task.Run(async () =>
        {
            SynchronizationContext.SetSynchronizationContext(context);

            // It waits before there is anything to read.
            var reading = Reader();
            wire.Peer.Send("x");
            await reading.ConfigureAwait(false);
        }).Within();

        async Task Reader()
        {
            var read = await wire.Connection.Input.ReadAsync();
            wire.Connection.Input.AdvanceTo(read.Buffer.End);
        }

        Assert.That(posted, Is.GreaterThan(0));
    }

    [Test]
    public async Task The_loop_s_context_is_current_on_the_loop_and_posts_to_it()
    {
        await using var loop = TestLoop.Start();

        Assert.That(await loop.InvokeAsync(static () => SynchronizationContext.Current).Within(), Is.SameAs(loop.SynchronizationContext));
        var ran = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.SynchronizationContext.Post(_ => ran.SetResult(loop.IsOnLoop), null);
        Assert.That(await ran.Task.Within(), Is.True);
        var sent = await Task.Run(() =>
        {
            var there = false;
            loop.SynchronizationContext.Send(_ => there = loop.IsOnLoop, null);
            return there;
        }).Within();
        Assert.That(sent, Is.True);
    }

    [Test]
    public async Task AsyncLocals_flow_through_posts_and_awaits_as_everywhere()
    {
        await using var loop = TestLoop.Start();
        var seen = new List<string?>();
        Ambient.Value = "caller";

        await loop.InvokeAsync(async () =>
        {
            seen.Add(Ambient.Value);
            Ambient.Value = "inner";
            await Task.Yield();
            seen.Add(Ambient.Value);
        }).Within();
        var posted = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(() => posted.SetResult(Ambient.Value));

        Assert.That(await posted.Task.Within(), Is.EqualTo("caller"));
        Assert.That(seen, Is.EqualTo(["caller", "inner"]));
        Assert.That(Ambient.Value, Is.EqualTo("caller"), "What was set inside does not flow out.");
    }

    [Test]
    public async Task What_a_handler_sets_is_its_own_and_does_not_leak_into_the_loop_or_another_handler()
    {
        await using var loop = TestLoop.Start();
        var mixedUp = 0;
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, async connection =>
        {
            if (Ambient.Value is not null)
                Interlocked.Increment(ref mixedUp);
            var mine = $"connection {connection.Id}";
            Ambient.Value = mine;
            while (true)
            {
                var read = await connection.Input.ReadAsync();
                if (!string.Equals(Ambient.Value, mine, StringComparison.Ordinal))
                    Interlocked.Increment(ref mixedUp);
                connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    return;
                await connection.Output.WriteAsync("x"u8.ToArray());
                if (!string.Equals(Ambient.Value, mine, StringComparison.Ordinal))
                    Interlocked.Increment(ref mixedUp);
            }
        }).Within();
        var peers = Enumerable.Range(0, 20).Select(_ => RawPeer.Dial(listener.LocalEndPoint)).ToArray();
        for (var round = 0; round < 10; round++)
        {
            foreach (var peer in peers)
                peer.Send("a");
            foreach (var peer in peers)
                Assert.That(peer.ReadText(1), Is.EqualTo("x"));
        }

        foreach (var peer in peers)
            peer.Dispose();
        await Until.True(() => loop.Counters.Connections == 0);
        Assert.That(mixedUp, Is.Zero);
        Assert.That(await loop.InvokeAsync(static () => Ambient.Value).Within(), Is.Null);
    }

    [TestCase("abort")]
    [TestCase("close")]
    [TestCase("cancel")]
    [TestCase("token")]
    public async Task No_continuation_runs_inside_the_call_that_caused_it(string cause)
    {
        await using var wire = await Wire.Dial();
        using var source = new CancellationTokenSource();

        var nested = await wire.Loop.InvokeAsync(async () =>
        {
            var inside = false;

            async Task<bool> Reader()
            {
                try
                {
                    var read = await wire.Connection.Input.ReadAsync(source.Token);
                    wire.Connection.Input.AdvanceTo(read.Buffer.End);
                }
                catch (Exception told) when (told is ConnectionException or OperationCanceledException or InvalidOperationException)
                {
                    // Told is told.
                }

                return inside;
            }

            var reading = Reader();
            inside = true;
            switch (cause)
            {
                case "abort":
                    wire.Connection.Abort();
                    break;
                case "close":
                    _ = wire.Connection.CloseAsync().AsTask();
                    break;
                case "cancel":
                    wire.Connection.Input.CancelPendingRead();
                    break;
                default:
                    source.Cancel();
                    break;
            }

            inside = false;
            return await reading;
        }).Within();

        Assert.That(nested, Is.False);
    }

    [Test]
    public async Task A_dial_that_fails_at_once_from_the_loop_is_awaited_like_any_other()
    {
        await using var loop = TestLoop.Start(new ScriptedKernel { OnSocket = static _ => -(int)Errno.EMFILE });

        var results = await loop.InvokeAsync(async () =>
        {
            // Deep recursion or a continuation out of turn would show here.
            var outcomes = new List<ConnectOutcome>();
            for (var i = 0; i < 20_000; i++)
                outcomes.Add((await loop.TryConnectAsync(Loopback.AnyPort)).Outcome);
            return outcomes;
        }).Within();

        Assert.That(results, Is.All.EqualTo(ConnectOutcome.Failed));
    }

    private sealed class CountingContext(Action posted) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state)
        {
            posted();
            base.Post(d, state);
        }

        public override SynchronizationContext CreateCopy() => this;
    }
}
