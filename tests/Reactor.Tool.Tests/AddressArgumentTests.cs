using System.Net;
using System.Net.Sockets;

namespace Reactor.Tool.Tests;

public sealed class AddressArgumentTests
{
    [TestCase("127.0.0.1:9523", typeof(IPEndPoint))]
    [TestCase("0.0.0.0:0", typeof(IPEndPoint))]
    [TestCase("[::1]:9523", typeof(IPEndPoint))]
    [TestCase("[::ffff:127.0.0.1]:80", typeof(IPEndPoint))]
    [TestCase("localhost:65535", typeof(DnsEndPoint))]
    [TestCase("a-host.example:80", typeof(DnsEndPoint))]
    [TestCase("unix:/run/reactor.sock", typeof(UnixDomainSocketEndPoint))]
    [TestCase("unix:@reactor", typeof(UnixDomainSocketEndPoint))]
    public void An_address_is_read_and_written_back_as_it_was(string text, Type type)
    {
        Assert.That(AddressArgument.TryParse(text, out var endPoint, out var problem), Is.True, problem);
        Assert.That(endPoint, Is.InstanceOf(type));
        Assert.That(AddressArgument.Format(endPoint!), Is.EqualTo(text));
    }

    [TestCase("127.0.0.1", "no port")]
    [TestCase("127.0.0.1:", "port is a number")]
    [TestCase("127.0.0.1:65536", "port is a number")]
    [TestCase("127.0.0.1:-1", "port is a number")]
    [TestCase("127.0.0.1: 80", "port is a number")]
    [TestCase("127.0.0.1:http", "port is a number")]
    [TestCase("127.1:80", "no IPv4 address")]
    [TestCase("256.0.0.1:80", "no IPv4 address")]
    [TestCase("::1:80", "in brackets")]
    [TestCase("[127.0.0.1]:80", "no IPv6 address")]
    [TestCase("[fe80::1%nosuch0]:80", "no network interface nosuch0")]
    [TestCase("[::1]", "port is a number")]
    [TestCase("a b:80", "no host name")]
    [TestCase("./file:80", "no host name")]
    [TestCase(":80", "no host")]
    [TestCase("", "no port")]
    [TestCase("unix:", "path from the root")]
    [TestCase("unix:@", "path from the root")]
    [TestCase("unix:relative", "path from the root")]
    public void A_bad_address_is_refused_with_the_reason(string text, string reason)
    {
        Assert.That(AddressArgument.TryParse(text, out _, out var problem), Is.False);
        Assert.That(problem, Does.Contain(reason));
    }

    [Test]
    public void A_path_too_long_for_a_Unix_domain_address_is_refused()
    {
        Assert.That(AddressArgument.TryParse("unix:/" + new string('x', 200), out _, out var problem), Is.False);
        Assert.That(problem, Does.Contain("longer"));
    }

    [Test]
    public void A_name_longer_than_the_resolver_takes_is_refused()
    {
        Assert.That(AddressArgument.TryParse($"a{HostNames.Unresolvable}:80", out _, out var problem), Is.False);
        Assert.That(problem, Does.Contain("no host name"));
    }

    [Test]
    public void An_abstract_name_begins_with_a_zero_byte()
    {
        Assert.That(AddressArgument.TryParse("unix:@name", out var endPoint, out var problem), Is.True, problem);
        var address = endPoint!.Serialize();

        // After the family's two bytes, sun_path begins with a zero byte (unix(7)).
        Assert.That((address[2], address[3]), Is.EqualTo(((byte)0, (byte)'n')));
    }
}
