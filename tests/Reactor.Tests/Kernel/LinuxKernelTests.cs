using System.Net.Sockets;

namespace Reactor.Tests;

/// <summary>The contract, kept by Linux, and what Linux alone has.</summary>
[TestFixture]
public sealed class LinuxKernelTests : KernelContract
{
    [TestCase(SocketOption.BindAddressNoPort)]
    [TestCase(SocketOption.DeferAccept)]
    [TestCase(SocketOption.FastOpenConnect)]
    public void An_option_that_only_Linux_has_is_set(SocketOption option) =>
        Assert.That(System.SetOption(Open(System.Socket(AddressFamily.InterNetwork)), option, 1), Is.Zero);
}
