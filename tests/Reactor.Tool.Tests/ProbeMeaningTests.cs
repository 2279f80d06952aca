using System.Net;
using System.Net.Sockets;

namespace Reactor.Tool.Tests;

public sealed class ProbeMeaningTests
{
    private static readonly IPEndPoint _tcp = new(IPAddress.Loopback, 9523);
    private static readonly UnixDomainSocketEndPoint _path = new("/run/reactor.sock");
    private static readonly UnixDomainSocketEndPoint _abstract = new("\0reactor");

    [TestCase(ConnectOutcome.Connected, Errno.None, null, false, "SYN-ACK came back")]
    [TestCase(ConnectOutcome.Refused, Errno.ECONNREFUSED, "connect", false, "RST came back")]
    [TestCase(ConnectOutcome.Refused, Errno.ECONNREFUSED, "connect", true, "RST came back")]
    [TestCase(ConnectOutcome.TimedOut, Errno.None, null, false, "until our own timeout")]
    [TestCase(ConnectOutcome.TimedOut, Errno.ETIMEDOUT, "connect", false, "the kernel gave up")]
    [TestCase(ConnectOutcome.Unreachable, Errno.ENETUNREACH, "connect", true, "no route from here")]
    [TestCase(ConnectOutcome.Unreachable, Errno.ENETUNREACH, "connect", false, "router said that the network is unreachable")]
    [TestCase(ConnectOutcome.Unreachable, Errno.EHOSTUNREACH, "connect", true, "routing table here")]
    [TestCase(ConnectOutcome.Unreachable, Errno.EHOSTUNREACH, "connect", false, "router said that the host is unreachable")]
    [TestCase(ConnectOutcome.Unreachable, Errno.EACCES, "connect", false, "forbidden")]
    [TestCase(ConnectOutcome.AddressUnavailable, Errno.EADDRNOTAVAIL, "connect", true, "No local port is left")]
    [TestCase(ConnectOutcome.AddressUnavailable, Errno.EADDRNOTAVAIL, "bind", true, "none of this machine's")]
    [TestCase(ConnectOutcome.AddressUnavailable, Errno.EADDRINUSE, "bind", true, "source port is in use")]
    [TestCase(ConnectOutcome.AddressUnavailable, Errno.EAGAIN, "connect", true, "No local port is left")]
    [TestCase(ConnectOutcome.Failed, Errno.EPERM, "connect", true, "firewall of this machine")]
    [TestCase(ConnectOutcome.Failed, Errno.EACCES, "connect", true, "rule of this machine")]
    [TestCase(ConnectOutcome.Failed, Errno.EACCES, "bind", true, "may not use that source port")]
    [TestCase(ConnectOutcome.Failed, Errno.EMFILE, "socket", true, "no descriptor left")]
    [TestCase(ConnectOutcome.Failed, Errno.ECONNRESET, "connect", false, "RST came back in the middle")]
    [TestCase(ConnectOutcome.Failed, Errno.EIO, "connect", true, "connect failed")]
    [TestCase(ConnectOutcome.Canceled, Errno.None, null, false, "stopped before")]
    public void The_sentence_says_what_came_back(ConnectOutcome outcome, Errno errno, string? syscall, bool isImmediate, string words) =>
        Assert.That(MeaningOf(_tcp, outcome, errno, syscall, isImmediate), Does.Contain(words).And.EndsWith("."));

    [Test]
    public void A_host_that_is_unreachable_after_three_seconds_was_asked_for_on_the_local_network() => Assert.That(
        MeaningOf(_tcp, ConnectOutcome.Unreachable, Errno.EHOSTUNREACH, "connect", isImmediate: false, seconds: 3.06),
        Does.Contain("Nobody answered for that address on the local network"));

    [TestCase(ConnectOutcome.Connected, Errno.None, "listener took")]
    [TestCase(ConnectOutcome.Refused, Errno.ECONNREFUSED, "nobody listens on it")]
    [TestCase(ConnectOutcome.Failed, Errno.ENOENT, "no such path")]
    [TestCase(ConnectOutcome.Failed, Errno.EAGAIN, "backlog is full")]
    [TestCase(ConnectOutcome.Failed, Errno.EACCES, "permissions")]
    [TestCase(ConnectOutcome.Failed, Errno.EPROTOTYPE, "datagrams")]
    [TestCase(ConnectOutcome.Failed, Errno.EMFILE, "no descriptor left")]
    [TestCase(ConnectOutcome.TimedOut, Errno.None, "backlog is full")]
    public void A_Unix_domain_socket_has_sentences_of_its_own(ConnectOutcome outcome, Errno errno, string words) =>
        Assert.That(MeaningOf(_path, outcome, errno, "connect", isImmediate: true), Does.Contain(words));

    [Test]
    public void An_abstract_name_leaves_no_path_behind() => Assert.That(
        MeaningOf(_abstract, ConnectOutcome.Refused, Errno.ECONNREFUSED, "connect", isImmediate: true),
        Does.Contain("abstract name"));

    [Test]
    public void Every_outcome_has_a_sentence_whatever_the_errno() => Assert.That(
        from outcome in Enum.GetValues<ConnectOutcome>()
        from errno in Enum.GetValues<Errno>()
        from endPoint in (EndPoint[])[_tcp, _path]
        from isImmediate in (bool[])[true, false]
        select MeaningOf(endPoint, outcome, errno, "connect", isImmediate),
        Is.All.EndsWith("."));

    private static string MeaningOf(EndPoint endPoint, ConnectOutcome outcome, Errno errno, string? syscall, bool isImmediate, double seconds = 0.001) =>
        ProbeMeaning.Of(new ConnectAttempt
        {
            EndPoint = endPoint,
            Outcome = outcome,
            Errno = errno,
            Syscall = syscall,
            IsImmediate = isImmediate,
            Elapsed = TimeSpan.FromSeconds(seconds),
        });

    [Test]
    public void A_link_local_address_without_its_interface_is_told_what_is_missing()
    {
        var attempt = new ConnectAttempt
        {
            EndPoint = System.Net.IPEndPoint.Parse("[fe80::1]:80"),
            Outcome = ConnectOutcome.Failed,
            Errno = Errno.EINVAL,
            Syscall = "connect",
            IsImmediate = true,
        };

        Assert.That(ProbeMeaning.Of(attempt), Does.Contain("fe80::1%eth0"));
    }
}
