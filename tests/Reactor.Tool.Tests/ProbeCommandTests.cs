using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Reactor.Tool.Tests;

[CancelAfter(120_000)]
public sealed class ProbeCommandTests
{
    private static readonly string[] _fields = ["target", "address", "outcome", "errno", "elapsedMs", "meaning"];

    [Test]
    public async Task Probe_of_a_listener_exits_0(CancellationToken deadline)
    {
        using var listener = Listen(new IPEndPoint(IPAddress.Loopback, 0));
        var result = await ReactorProcess.RunAsync(deadline, "probe", listener.LocalEndPoint!.ToString()!);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Output, Does.Contain($"{listener.LocalEndPoint}: connected after").And.Contain("SYN-ACK came back"));
    }

    [Test]
    public async Task Probe_of_a_closed_port_exits_1_and_names_the_errno(CancellationToken deadline)
    {
        var closed = Ports.FindClosed();
        var result = await ReactorProcess.RunAsync(deadline, "probe", closed.ToString());

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
        Assert.That(result.Output, Does.Contain($"{closed}: refused (ECONNREFUSED").And.Contain("RST came back"));
    }

    [Test]
    public async Task Probe_gives_all_of_it_as_JSON(CancellationToken deadline)
    {
        var closed = Ports.FindClosed();
        var result = await ReactorProcess.RunAsync(deadline, "probe", $"localhost:{closed.Port}", "-4", "--json");

        using var json = JsonDocument.Parse(result.Output);
        var report = json.RootElement;
        var attempt = report.GetProperty("attempts").EnumerateArray().Single();
        Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
        Assert.That(report.GetProperty("target").GetString(), Is.EqualTo($"localhost:{closed.Port}"));
        Assert.That(report.GetProperty("address").GetString(), Is.EqualTo(closed.ToString()));
        Assert.That(report.GetProperty("outcome").GetString(), Is.EqualTo("refused"));
        Assert.That(report.GetProperty("errno").GetString(), Is.EqualTo("ECONNREFUSED"));
        Assert.That(_fields.Select(field => attempt.GetProperty(field).ToString()), Is.EqualTo(_fields.Select(field => report.GetProperty(field).ToString())));
    }

    [Test]
    public async Task Probe_of_a_listener_has_no_errno_in_its_JSON(CancellationToken deadline)
    {
        using var listener = Listen(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        var result = await ReactorProcess.RunAsync(deadline, "probe", listener.LocalEndPoint!.ToString()!, "--json");

        using var json = JsonDocument.Parse(result.Output);
        Assert.That(json.RootElement.GetProperty("outcome").GetString(), Is.EqualTo("connected"));
        Assert.That(json.RootElement.GetProperty("errno").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    [Test]
    public async Task Probe_dials_from_the_source_that_is_given(CancellationToken deadline)
    {
        using var listener = Listen(new IPEndPoint(IPAddress.Loopback, 0));
        using var probe = ReactorProcess.Start("probe", listener.LocalEndPoint!.ToString()!, "--source", "127.0.0.2");
        using var accepted = await listener.AcceptAsync(deadline);

        Assert.That(((IPEndPoint)accepted.RemoteEndPoint!).Address, Is.EqualTo(IPAddress.Parse("127.0.0.2")));
        Assert.That((await probe.EndAsync(deadline)).ExitCode, Is.Zero);
    }

    [Test]
    public async Task Probe_says_that_a_source_is_none_of_this_machines(CancellationToken deadline)
    {
        // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
        var result = await ReactorProcess.RunAsync(deadline, "probe", "127.0.0.1:9", "--source", "192.0.2.1");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
        Assert.That(result.Output, Does.Contain("EADDRNOTAVAIL from bind").And.Contain("none of this machine's"));
    }

    [Test]
    public async Task Probe_times_out_on_a_full_backlog(CancellationToken deadline)
    {
        using var listener = Listen(new IPEndPoint(IPAddress.Loopback, 0));
        using var filler = await Backlog.FillAsync(listener, deadline);
        var result = await ReactorProcess.RunAsync(deadline, "probe", listener.LocalEndPoint!.ToString()!, "--timeout", "0.2");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
        Assert.That(result.Output, Does.Contain("timed out").And.Contain("until our own timeout"));
    }

    [Test]
    public async Task Probe_of_a_name_without_an_address_exits_1(CancellationToken deadline)
    {
        var result = await ReactorProcess.RunAsync(deadline, "probe", HostNames.Unresolvable + ":80", "--json");

        using var json = JsonDocument.Parse(result.Output);
        Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
        Assert.That(json.RootElement.GetProperty("outcome").GetString(), Is.EqualTo("resolveFailed"));
        Assert.That(json.RootElement.GetProperty("attempts").GetArrayLength(), Is.Zero);
    }

    [Test]
    public async Task Probe_of_a_Unix_path_that_is_not_there_says_so(CancellationToken deadline)
    {
        var result = await ReactorProcess.RunAsync(deadline, "probe", $"unix:/{Guid.NewGuid():N}.sock");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
        Assert.That(result.Output, Does.Contain("ENOENT").And.Contain("no such path"));
    }

    private static Socket Listen(IPEndPoint endPoint)
    {
        var listener = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(endPoint);
        listener.Listen(1);
        return listener;
    }
}
