using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Where the loop itself meets a fault: it goes on, and what was posted is done.</summary>
internal static class LoopFaults
{
    public static void Start(FaultScene scene)
    {
        scene.Inject();
        var exception = Assert.Throws<KernelException>(() => TestLoop.Start(scene.Kernel));
        Assert.That(exception!.Errno, Is.EqualTo(scene.Errno));
        Assert.That(exception.Syscall, Is.EqualTo(KqueueLibrary.PollerSyscall));
    }

    public static async Task Wait(FaultScene scene)
    {
        scene.Inject();
        await scene.Loop.Settled();
        await Until.True(() => scene.Kernel.FaultsOf(KernelCall.Wait) == 1);
    }

    public static async Task Post(FaultScene scene)
    {
        scene.Inject();

        // A loop that is awake needs none, so one after the other until one does.
        while (scene.Kernel.FaultsOf(KernelCall.Wake) == 0)
        {
            await scene.Loop.Settled();
            var posted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            scene.Loop.Post(posted.SetResult);
            await posted.Task.WaitAsync(TimeSpan.FromSeconds(5));
        }
    }
}
