using System.Net;

namespace Reactor.Tests;

/// <summary>The page on tests shows this one: how anybody's server is run on a kernel that fails.</summary>
[TestFixture]
public sealed class YourOwnServerTests
{
    private static readonly ConnectionHandler MyServer = Handlers.Echo;

    [Test]
    public async Task My_server_gets_over_descriptors_that_run_out_and_calls_that_come_up_short()
    {
        var kernel = new FaultyKernel();
        await using var loop = EventLoop.Start(new EventLoopOptions { Kernel = kernel });
        await using var listener = await loop.ListenAsync(new IPEndPoint(IPAddress.Loopback, 0), MyServer);

        // No descriptor is left, not even the one in reserve: the client waits, and is served when the fault is over.
        kernel.Inject(new Fault { Call = KernelCall.Accept, Times = 2, Errno = Errno.EMFILE });

        // And by chance: every other receive and send comes up short, and one in ten that may be interrupted is.
        kernel.Rates = new FaultRates(Seed: 42) { CutShort = 0.5, Interrupted = 0.1 };

        await using var client = await loop.ConnectAsync(listener.LocalEndPoint);
        await client.Output.WriteAsync("hello"u8.ToArray());
        var read = await client.Input.ReadAtLeastAsync(5);
        Assert.That(read.Buffer.Length, Is.EqualTo(5));
        Assert.That(kernel.FaultsOf(KernelCall.Accept), Is.GreaterThanOrEqualTo(2));
    }
}
