using System.Net;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>
/// A dial to a free port of this machine may get that very port as its own, and TCP then connects the socket to itself
/// (simultaneous open, RFC 9293 section 3.5).
/// </summary>
[TestFixture]
public sealed class SelfConnectTests
{
    [Test]
    public async Task A_socket_that_connected_to_itself_counts_as_refused()
    {
        var endPoint = FreePort();
        await using var loop = TestLoop.Start(connect: new ConnectOptions { LocalEndPoints = [endPoint] });
        var sockets = Descriptors.Sockets();

        var result = await loop.TryConnectAsync(endPoint).Within();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Refused));
            Assert.That(result.Errno, Is.EqualTo(Errno.ECONNREFUSED));
            Assert.That(result.Connection, Is.Null);
            Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
        }
    }

    [Test]
    public async Task It_is_retried_on_a_new_socket_at_most_twice_and_never_handed_out()
    {
        var kernel = new ScriptedKernel();
        kernel.OnConnect = (descriptor, address) =>
        {
            kernel.Real.Bind(descriptor, address);
            return kernel.Real.Connect(descriptor, address);
        };
        await using var loop = TestLoop.Start(kernel);

        var result = await loop.TryConnectAsync(FreePort()).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Refused));
        Assert.That(kernel.Count(KernelCall.Connect), Is.InRange(1, 3));
        Assert.That(kernel.Count(KernelCall.Socket), Is.EqualTo(kernel.Count(KernelCall.Connect)), "A new socket for each attempt.");
    }

    [Test]
    public async Task After_one_that_connected_to_itself_the_next_may_be_honestly_refused()
    {
        var kernel = new ScriptedKernel();
        kernel.OnConnect = (descriptor, address) =>
        {
            if (kernel.Count(KernelCall.Connect) == 1)
                kernel.Real.Bind(descriptor, address);
            return kernel.Real.Connect(descriptor, address);
        };
        await using var loop = TestLoop.Start(kernel);

        var result = await loop.TryConnectAsync(FreePort()).Within();

        Assert.That(result.Outcome, Is.EqualTo(ConnectOutcome.Refused));
        Assert.That(result.Errno, Is.EqualTo(Errno.ECONNREFUSED));
    }

    [Test]
    public async Task Two_ends_of_one_machine_with_different_ports_are_not_taken_for_it()
    {
        await using var loop = TestLoop.Start();
        using var listener = RawListener.Start();

        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();

        Assert.That(connection.LocalEndPoint, Is.Not.EqualTo(connection.RemoteEndPoint));
    }

    private static IPEndPoint FreePort()
    {
        using var reserved = Loopback.Refusing();
        return reserved.EndPoint;
    }
}
