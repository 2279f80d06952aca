using System.Net.Sockets;
using System.Text.Json;

namespace Reactor.Tool.Tests;

[CancelAfter(120_000)]
public sealed class LoadCommandTests
{
    [Test]
    public async Task Load_starts_its_own_server_and_exits_0_when_all_replies_are_right(CancellationToken deadline)
    {
        var result = await ReactorProcess.RunAsync(deadline, "load", "--connections", "200");

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Error, Does.Contain("uppercase server listens on 127.0.0.1:"));
        Assert.That(result.Output, Does.Contain("connects per second").And.Contain("p99.9").And.Match(@"wrong replies\s+0"));
    }

    [Test]
    public async Task Load_gives_all_of_it_as_JSON(CancellationToken deadline)
    {
        var result = await ReactorProcess.RunAsync(deadline, "load", "--connections", "50", "--repeat", "3", "--message", "abc", "--json");

        using var json = JsonDocument.Parse(result.Output);
        var report = json.RootElement;
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(report.GetProperty("outcomes").GetProperty("connected").GetInt32(), Is.EqualTo(50));
        Assert.That(report.GetProperty("openTogether").GetInt32(), Is.EqualTo(50));
        Assert.That(report.GetProperty("roundTrips").GetInt64(), Is.EqualTo(150));
        Assert.That(report.GetProperty("bytesSent").GetInt64(), Is.EqualTo(600));
        Assert.That(report.GetProperty("bytesReceived").GetInt64(), Is.EqualTo(600));
        Assert.That(report.GetProperty("wrongReplies").GetInt64(), Is.Zero);
        Assert.That(report.GetProperty("expect").GetString(), Is.EqualTo("uppercase"));
        Assert.That(report.GetProperty("connectsPerSecond").GetDouble(), Is.Positive);
        foreach (var latency in (string[])["connectLatency", "roundTripLatency"])
        {
            Assert.That(
                report.GetProperty(latency).EnumerateObject().Select(member => member.Name),
                Is.EqualTo((string[])["count", "minMs", "meanMs", "p50Ms", "p90Ms", "p99Ms", "p999Ms", "maxMs"]));
        }
    }

    [Test]
    public async Task Load_writes_its_JSON_to_a_file_beside_the_text(CancellationToken deadline)
    {
        var file = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"load-{Guid.NewGuid():N}.json");
        try
        {
            var result = await ReactorProcess.RunAsync(deadline, "load", "--connections", "20", "--json", file);

            using var json = JsonDocument.Parse(await File.ReadAllTextAsync(file, deadline));
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(result.Output, Does.Contain("connects per second"));
            Assert.That(json.RootElement.GetProperty("succeeded").GetBoolean(), Is.True);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Test]
    public async Task Load_exits_1_when_a_reply_is_wrong(CancellationToken deadline)
    {
        var result = await ReactorProcess.RunAsync(deadline, "load", "--connections", "20", "--expect", "echo");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
        Assert.That(result.Output, Does.Match(@"wrong replies\s+200").And.Contain("--expect uppercase"));
    }

    [Test]
    public async Task Load_exits_1_when_a_connect_is_refused(CancellationToken deadline)
    {
        var result = await ReactorProcess.RunAsync(deadline, "load", Ports.FindClosed().ToString(), "--connections", "20");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.Error);
        Assert.That(result.Output, Does.Match(@"ECONNREFUSED\s+20"));
    }

    [Test]
    public async Task Load_exits_1_when_the_name_has_no_address(CancellationToken deadline)
    {
        var result = await ReactorProcess.RunAsync(deadline, "load", HostNames.Unresolvable + ":9523", "--connections", "1");

        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Error, Does.Contain(HostNames.Unresolvable));
    }

    [Test]
    public async Task Load_takes_another_port_and_says_so_when_its_own_is_taken(CancellationToken deadline)
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            taken.Bind(LoadTarget.OwnAddress);
            taken.Listen();
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            // Then somebody else has taken it, which serves as well.
        }
        var result = await ReactorProcess.RunAsync(deadline, "load", "--connections", "20");

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Error, Does.Contain("Port 9523 is taken"));
    }

    [Test]
    public async Task Load_refuses_more_connections_than_there_are_descriptors(CancellationToken deadline)
    {
        var result = await ReactorProcess.RunWithDescriptorsAsync(512, ["load", "--connections", "400"], deadline);

        Assert.That((result.ExitCode, result.Output), Is.EqualTo((2, "")));
        Assert.That(result.Error, Does.Contain("400 connections need").And.Contain("the limit is 512").And.Contain("--connections "));
    }

    [Test]
    public async Task Load_fits_as_many_connections_as_its_refusal_says(CancellationToken deadline)
    {
        var refusal = await ReactorProcess.RunWithDescriptorsAsync(512, ["load", "--connections", "400"], deadline);
        var fit = refusal.Error.Split("--connections ")[1].Split(' ')[0];
        var result = await ReactorProcess.RunWithDescriptorsAsync(512, ["load", "--connections", fit], deadline);

        Assert.That(result.ExitCode, Is.Zero, result.Error + result.Output);
    }

    [Test]
    public async Task Load_that_is_interrupted_prints_what_it_has_and_exits_130(
        [Values(ReactorProcess.SIGINT, ReactorProcess.SIGTERM)] int signal, CancellationToken deadline)
    {
        Signals.AssumeDelivered(signal);
        using var load = ReactorProcess.Start("load", "--connections", "20", "--duration", "600", "--json");
        await ReactorProcess.ReadLineWithAsync(load.Error, "server listens", deadline);
        load.Signal(signal);
        var result = await load.EndAsync(deadline);

        using var json = JsonDocument.Parse(result.Output);
        Assert.That(result.ExitCode, Is.EqualTo(130));
        Assert.That(json.RootElement.GetProperty("interrupted").GetBoolean(), Is.True);
    }

    [Test]
    public async Task Load_dials_a_Unix_domain_server(CancellationToken deadline)
    {
        using var server = ReactorProcess.Start("serve", "echo", "--listen", "unix:@" + Guid.NewGuid().ToString("N"));
        var address = (await ReactorProcess.ReadLineWithAsync(server.Output, "listening on", deadline)).Split(' ')[^1];
        var result = await ReactorProcess.RunAsync(deadline, "load", address, "--expect", "echo", "--connections", "50");

        Assert.That(result.ExitCode, Is.Zero, result.Error + result.Output);
        Assert.That(result.Output, Does.Contain(address));
    }

    [Test]
    public async Task Load_dials_a_name(CancellationToken deadline)
    {
        using var server = ReactorProcess.Start("serve", "uppercase", "--listen", "127.0.0.1:0");
        var port = (await ReactorProcess.ReadLineWithAsync(server.Output, "listening on", deadline)).Split(':')[^1];
        var result = await ReactorProcess.RunAsync(deadline, "load", "localhost:" + port, "--connections", "20");

        Assert.That(result.ExitCode, Is.Zero, result.Error + result.Output);
        Assert.That(result.Error, Does.Contain($"localhost:{port} is 127.0.0.1:{port}"));
    }
}
