using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A host name where only an address will do: the caller is told, before anything is opened.</summary>
[TestFixture]
public sealed class HostNameAsAddressTests
{
    private static readonly DnsEndPoint[] Names =
    [
        new("localhost", 0),
        new("localhost", 0, AddressFamily.InterNetwork),
        new("localhost", 0, AddressFamily.InterNetworkV6),
    ];

    [TestCaseSource(nameof(Names))]
    public async Task Listening_on_one_is_the_caller_s_error_and_opens_nothing(DnsEndPoint name)
    {
        var kernel = new ScriptedKernel();
        await using var loop = TestLoop.Start(kernel);
        var descriptors = Descriptors.OfNetwork();

        var error = await Assert.CatchAsync<ArgumentException>(async () => await loop.ListenAsync(name, Handlers.Echo).Within());

        Assert.That(error!.ParamName, Is.EqualTo("endPoint"));
        Assert.That(error.Message, Does.Contain("host name").IgnoreCase.And.Contain("address"));
        Assert.That(kernel.Count(KernelCall.Socket), Is.Zero);
        Assert.That(Descriptors.OfNetwork(), Is.EquivalentTo(descriptors));
    }

    [TestCaseSource(nameof(Names))]
    public async Task A_group_says_the_same(DnsEndPoint name)
    {
        await using var group = TestLoop.StartGroup(2);
        var descriptors = Descriptors.OfNetwork();

        var error = await Assert.CatchAsync<ArgumentException>(async () => await group.ListenAsync(name, Handlers.Echo).Within());

        Assert.That(error!.ParamName, Is.EqualTo("endPoint"));
        Assert.That(Descriptors.OfNetwork(), Is.EquivalentTo(descriptors));
    }

    [TestCaseSource(nameof(Names))]
    public void Dialling_from_one_is_refused_when_it_is_set(DnsEndPoint name)
    {
        var error = Assert.Catch<ArgumentException>(() => _ = new ConnectOptions { LocalEndPoints = [name] });

        Assert.That(error!.Message, Does.Contain("host name").IgnoreCase.And.Contain("address"));
    }
}
