using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Work that other threads hand to the loop, and the wake-up.</summary>
[TestFixture]
public sealed class PostTests
{
    [Test]
    public async Task A_million_posts_from_eight_threads_keep_each_thread_s_order()
    {
        const int threads = 8;
        const int each = 125_000;
        await using var loop = TestLoop.Start();
        var next = new int[threads];
        var disorder = 0;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ran = 0;

        void Arrive(int thread, int number)
        {
            if (next[thread]++ != number)
                disorder++;
            if (++ran == threads * each)
                done.SetResult();
        }

        var posting = Enumerable.Range(0, threads).Select(thread => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < each; i++)
                {
                    var number = i;
                    loop.Post(() => Arrive(thread, number));
                }
            },
            TaskCreationOptions.LongRunning)).ToArray();

        await Task.WhenAll(posting).WaitAsync(TimeSpan.FromMinutes(1));
        await done.Task.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.That(disorder, Is.Zero);
    }

    [Test]
    public async Task A_post_allocates_not_one_byte()
    {
        const int posts = 10_000;
        await using var loop = TestLoop.Start();
        var measured = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        var (left, before) = (2 * posts, 0L);
        SendOrPostCallback again = null!;
        again = _ =>
        {
            left--;
            if (left == posts)
                before = GC.GetAllocatedBytesForCurrentThread();
            if (left > 0)
                loop.Post(again, state: null);
            else
                measured.SetResult(GC.GetAllocatedBytesForCurrentThread() - before);
        };
        loop.Post(again, state: null);

        Assert.That(await measured.Task.Within(), Is.Zero, $"Bytes for {posts} posts.");
    }

    [Test]
    public async Task A_post_while_the_loop_sleeps_wakes_it_with_one_write()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        for (var i = 0; i < 200; i++)
        {
            await loop.InvokeAsync(static () => { }).Within();
        }

        Assert.That(kernel.Count(KernelCall.Wake), Is.LessThanOrEqualTo(201));
    }

    [Test]
    public async Task Many_posts_to_a_loop_that_is_awake_cost_hardly_a_wake_up()
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        using var release = new ManualResetEventSlim();
        var isHeld = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var held = loop.InvokeAsync(() =>
        {
            isHeld.SetResult();
            release.Wait(Until.Limit);
        });
        await isHeld.Task.Within();
        var before = kernel.Count(KernelCall.Wake);
        var ran = 0;

        for (var i = 0; i < 10_000; i++)
            loop.Post(() => Interlocked.Increment(ref ran));
        release.Set();

        await held.Within();
        await Until.True(() => Volatile.Read(ref ran) == 10_000);
        Assert.That(kernel.Count(KernelCall.Wake) - before, Is.LessThanOrEqualTo(2));
    }

    [Test]
    public async Task No_wake_up_is_ever_lost()
    {
        await using var loop = TestLoop.Start();

        // Ping-pong of one post at a time finds the loop on every step of its way to sleep.
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 5_000; i++)
                await loop.InvokeAsync(static () => { });
        }))).WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Test]
    public async Task Posts_that_post_do_not_starve_sockets_or_timers()
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        var stop = false;

        void Forever()
        {
            if (!Volatile.Read(ref stop))
                loop.Post(Forever);
        }

        loop.Post(Forever);
        loop.Post(Forever);
        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        for (var i = 0; i < 100; i++)
        {
            peer.Send("x");
            Assert.That(peer.ReadText(1), Is.EqualTo("x"));
        }

        await loop.After(TimeSpan.FromMilliseconds(5));
        Volatile.Write(ref stop, true);
    }

    [Test]
    public async Task InvokeAsync_gives_the_result_or_the_exception()
    {
        await using var loop = TestLoop.Start();

        Assert.That(await loop.InvokeAsync(() => loop.IsOnLoop).Within(), Is.True);
        Assert.That(await loop.InvokeAsync(async () =>
        {
            await Task.Yield();
            return loop.IsOnLoop ? 42 : 0;
        }).Within(), Is.EqualTo(42));
        await Assert.ThrowsAsync<InvalidDataException>(async () => await loop.InvokeAsync(static () => throw new InvalidDataException()).Within());
        await Assert.ThrowsAsync<InvalidDataException>(async () => await loop.InvokeAsync(static async () =>
        {
            await Task.Yield();
            throw new InvalidDataException();
        }).Within());
    }

    [Test]
    public async Task InvokeAsync_on_the_loop_runs_at_once()
    {
        await using var loop = TestLoop.Start();

        var ran = await loop.InvokeAsync(() =>
        {
            var inner = false;
            var task = loop.InvokeAsync(() => inner = true);
            return inner && task.IsCompletedSuccessfully;
        }).Within();

        Assert.That(ran, Is.True);
    }

    [Test]
    public async Task Post_on_the_loop_runs_later_and_never_inside_the_caller()
    {
        await using var loop = TestLoop.Start();
        var order = new List<string>();

        await loop.InvokeAsync(() =>
        {
            loop.Post(() => order.Add("posted"));
            order.Add("caller");
        }).Within();
        await loop.Settled();

        Assert.That(order, Is.EqualTo(["caller", "posted"]));
    }

    [Test]
    public async Task Post_hands_the_state_on()
    {
        await using var loop = TestLoop.Start();
        var got = new TaskCompletionSource<object?>(TaskCreationOptions.RunContinuationsAsynchronously);

        loop.Post(state => got.SetResult(state), "mine");

        Assert.That(await got.Task.Within(), Is.EqualTo("mine"));
    }

    [Test]
    public async Task Null_is_refused()
    {
        await using var loop = TestLoop.Start();

        Assert.Throws<ArgumentNullException>(() => loop.Post(null!));
        Assert.Throws<ArgumentNullException>(() => loop.Post(null!, state: null));
        await Assert.CatchAsync<ArgumentNullException>(async () => await loop.InvokeAsync((Action)null!).Within());
        await Assert.CatchAsync<ArgumentNullException>(async () => await loop.TryConnectAsync(null!).Within());
        await Assert.CatchAsync<ArgumentNullException>(async () => await loop.ListenAsync(null!, Handlers.Echo).Within());
        await Assert.CatchAsync<ArgumentNullException>(async () => await loop.ListenAsync(Loopback.AnyPort, null!).Within());
        Assert.Throws<ArgumentNullException>(() => loop.StartTimer(TimeSpan.Zero, null!));
    }
}
