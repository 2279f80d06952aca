using Microsoft.Extensions.Logging;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Kernels that accept otherwise than Linux (<see cref="KernelTraits"/>), as macOS does.</summary>
[TestFixture]
public sealed class AcceptOtherwiseTests
{
    [Test]
    public async Task A_client_that_the_kernel_itself_dropped_for_want_of_descriptors_is_counted_and_logged_and_the_next_is_served()
    {
        using var log = new LogRecorder();
        var kernel = new ScriptedKernel { Otherwise = KernelTraits.DropsUnaccepted };
        var failing = true;
        kernel.OnAccept = (descriptor, peer) =>
        {
            var accepted = kernel.Real.Accept(descriptor, peer);
            if (accepted < 0 || !failing)
                return accepted;
            failing = false;
            kernel.Real.Close(accepted);
            return -(int)Errno.EMFILE;
        };
        await using var loop = TestLoop.Start(kernel, log: log);
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();

        using var dropped = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Refused == 1);
        using var served = RawPeer.Dial(listener.LocalEndPoint);
        served.Send("echo");

        Assert.That(served.ReadText(4), Is.EqualTo("echo"));
        Assert.That((listener.Refused, listener.Accepted, loop.Counters.AcceptsRefused), Is.EqualTo((1L, 1L, 1L)));
        Assert.That(log.Above(LogLevel.Information).Select(static line => line.Event.Id), Is.EqualTo([10, 11]));
    }

    [TestCase(KernelTraits.UninheritedTimes, 2)]
    [TestCase(KernelTraits.None, 1)]
    public async Task Times_that_an_accepted_socket_does_not_inherit_are_set_on_it(KernelTraits otherwise, int times)
    {
        var kernel = new ScriptedKernel { Otherwise = otherwise };
        var set = new List<SocketOption>();
        kernel.OnSetOption = (descriptor, name, value) =>
        {
            set.Add(name);
            return kernel.Real.SetOption(descriptor, name, value);
        };
        await using var loop = TestLoop.Start(kernel);
        var options = new ListenOptions { KeepAlive = new KeepAliveOptions { Idle = TimeSpan.FromSeconds(9) }, UserTimeout = TimeSpan.FromSeconds(9) };
        await using var listener = await loop.ListenAsync(Loopback.AnyPort, Handlers.Echo, options).Within();

        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        await Until.True(() => listener.Accepted == 1);

        var counts = await loop.InvokeAsync(() => set.CountBy(static name => name).ToDictionary());
        Assert.That((counts[SocketOption.KeepAliveIdle], counts[SocketOption.UserTimeout], counts[SocketOption.KeepAlive]), Is.EqualTo((times, times, 1)));
    }
}
