using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Descriptors run out while a group of loops is started.</summary>
[TestFixture]
public sealed class GroupWithoutDescriptorsTests
{
    [TestCase(2)]
    [TestCase(3)]
    public async Task The_loops_that_had_started_are_gone_and_the_error_says_why(int whichFails)
    {
        var pollers = 0;
        var kernel = new ScriptedKernel();
        kernel.OnCreatePoller = () => ++pollers == whichFails ? -(int)Errno.EMFILE : 0;
        var before = Descriptors.OfNetwork();

        var error = Assert.Throws<KernelException>(() => EventLoopGroup.Start(4, TestLoop.Options(kernel)));

        Assert.That((error!.Syscall, error.Errno), Is.EqualTo((KqueueLibrary.PollerSyscall, Errno.EMFILE)));
        Assert.That(pollers, Is.EqualTo(whichFails), "No further loop was tried.");
        await Until.True(() => Descriptors.ThreadsNamed(TestLoop.ThreadName).Count == 0);
        await Until.True(() => Descriptors.OfNetwork().IsSubsetOf(before));
    }
}
