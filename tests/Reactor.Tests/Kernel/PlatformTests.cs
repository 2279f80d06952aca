using System.Runtime.InteropServices;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Which kernel a system has, and what is said on one that has none.</summary>
[TestFixture]
public sealed class PlatformTests
{
    [TestCase(Architecture.X64)]
    [TestCase(Architecture.Arm64)]
    public void Linux_and_macOS_have_a_kernel_each(Architecture architecture)
    {
        Assert.That(Kernel.For(isLinux: true, isMacOS: false, architecture), Is.TypeOf<LinuxKernel>());
        Assert.That(Kernel.For(isLinux: false, isMacOS: true, architecture), Is.TypeOf<DarwinKernel>());
    }

    [TestCase(false, false, Architecture.X64)]
    [TestCase(false, false, Architecture.Arm64)]
    [TestCase(false, false, Architecture.Wasm)]
    [TestCase(true, false, Architecture.Arm)]
    [TestCase(true, false, Architecture.X86)]
    [TestCase(true, false, Architecture.S390x)]
    [TestCase(false, true, Architecture.X86)]
    public void Elsewhere_the_error_names_the_systems_that_work(bool isLinux, bool isMacOS, Architecture architecture)
    {
        var error = Assert.Throws<PlatformNotSupportedException>(() => Kernel.For(isLinux, isMacOS, architecture));

        Assert.That(error!.Message, Does.Contain("Linux and macOS, on x64 and arm64").And.Contain(architecture.ToString()));
    }

    [Test]
    public async Task Where_a_shared_port_is_not_balanced_a_warning_says_so_and_the_listeners_are_there()
    {
        using var log = new LogRecorder();
        await using var group = EventLoopGroup.Start(2, TestLoop.Options(new ScriptedKernel { Otherwise = KernelTraits.UnbalancedPorts }, log: log));

        var listeners = await group.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        await using (listeners)
        {
            Assert.That(log.Lines.Single(static line => line.Event.Id == 16).Text, Does.Contain(listeners.LocalEndPoint.ToString()).And.Contain("one of the 2 loops"));
            using var peer = RawPeer.Dial(listeners.LocalEndPoint);
            peer.Send("served");
            Assert.That(peer.ReadText(6), Is.EqualTo("served"));
        }
    }

    [TestCase(1, false)]
    [TestCase(2, true)]
    public async Task Nobody_is_warned_who_has_one_loop_or_a_system_that_balances(int loops, bool balances)
    {
        using var log = new LogRecorder();
        await using var group = EventLoopGroup.Start(loops, TestLoop.Options(new ScriptedKernel { Otherwise = balances ? KernelTraits.None : KernelTraits.UnbalancedPorts }, log: log));

        await using var listeners = await group.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();

        Assert.That(log.Lines.Where(static line => line.Event.Id == 16), Is.Empty);
    }
}
