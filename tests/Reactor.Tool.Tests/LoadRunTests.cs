using System.Buffers;
using System.Net;
using Reactor.Load;

namespace Reactor.Tool.Tests;

[CancelAfter(60_000)]
public sealed class LoadRunTests
{
    private const int Connections = 200;

    private EventLoop _server = null!;
    private EventLoop _client = null!;

    [SetUp]
    public void StartLoops() => (_server, _client) = (EventLoop.Start(), EventLoop.Start());

    [TearDown]
    public async Task EndLoops()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Test]
    public async Task Every_connection_talks_and_every_byte_is_counted(CancellationToken stop)
    {
        var report = await RunAsync(await ServeAsync(Handlers.Uppercase), stop);

        Assert.That(report.Succeeded, Is.True, report.ToString());
        Assert.That(report.Outcomes, Is.EqualTo(All("connected")));
        Assert.That((report.Connected, report.OpenTogether, report.WrongReplies), Is.EqualTo((Connections, Connections, 0)));
        Assert.That((report.RoundTrips, report.BytesSent, report.BytesReceived), Is.EqualTo((2_000, 12_000, 12_000)));
        Assert.That((report.ConnectLatency.Count, report.RoundTripLatency.Count), Is.EqualTo((Connections, 2_000)));
        Assert.That(report.ConnectsPerSecond, Is.Positive);
    }

    [Test]
    public async Task All_connections_are_open_at_one_moment_before_any_is_closed(CancellationToken stop)
    {
        var (open, most) = (0, 0);
        var target = await ServeAsync(async connection =>
        {
            most = Math.Max(most, ++open);
            await Handlers.Uppercase(connection);
            open--;
        });
        await RunAsync(target, stop, inFlight: 3);

        Assert.That(most, Is.EqualTo(Connections));
    }

    [Test]
    public async Task Replies_of_an_echo_server_are_wrong_and_hint_at_echo(CancellationToken stop)
    {
        var report = await RunAsync(await ServeAsync(Handlers.Echo), stop);

        Assert.That((report.Succeeded, report.RoundTrips, report.WrongReplies), Is.EqualTo((false, 2_000, 2_000)));
        Assert.That(report.WrongRepliesMatch, Is.EqualTo(ReplyExpectation.Echo));
    }

    [Test]
    public async Task An_echo_is_right_where_an_echo_is_expected(CancellationToken stop)
    {
        var report = await RunAsync(await ServeAsync(Handlers.Echo), stop, ReplyExpectation.Echo);

        Assert.That(report.Succeeded, Is.True, report.ToString());
    }

    [Test]
    public async Task A_reply_that_comes_byte_by_byte_is_right(CancellationToken stop)
    {
        var report = await RunAsync(await ServeAsync(ReplyByteByByte), stop);

        Assert.That(report.Succeeded, Is.True, report.ToString());
    }

    [Test]
    public async Task Bytes_that_nobody_asked_for_are_a_wrong_reply(CancellationToken stop)
    {
        var report = await RunAsync(await ServeAsync(connection => ReplyToEach(connection, "HELLO\nHELLO\n"u8.ToArray())), stop);

        Assert.That(report.WrongReplies, Is.Positive);
        Assert.That(report.WrongRepliesMatch, Is.Null);
    }

    [Test]
    public async Task A_peer_that_ends_in_the_middle_of_a_reply_is_a_failure(CancellationToken stop)
    {
        var report = await RunAsync(await ServeAsync(async connection =>
        {
            await ReadMessage(connection);
            await connection.Output.WriteAsync("HEL"u8.ToArray());
        }), stop);

        Assert.That(report.Failures, Is.EqualTo(All("closed by peer")));
        Assert.That((report.Connected, report.OpenTogether, report.RoundTrips), Is.EqualTo((Connections, 0, 0)));
    }

    [Test]
    public async Task A_peer_that_resets_is_counted_by_errno(CancellationToken stop)
    {
        var report = await RunAsync(await ServeAsync(async connection =>
        {
            await ReadMessage(connection);
            connection.Abort();
        }), stop);

        Assert.That(report.Failures, Is.EqualTo(All("ECONNRESET")));
    }

    [Test]
    public async Task A_reply_that_never_comes_ends_the_load_by_itself(CancellationToken stop)
    {
        var report = await RunAsync(await ServeAsync(Handlers.Discard), stop, replyTimeout: TimeSpan.FromMilliseconds(100));

        Assert.That(report.Failures, Is.EqualTo(All("reply timed out")));
        Assert.That((report.Succeeded, report.BytesSent), Is.EqualTo((false, 6 * Connections)));
    }

    [Test]
    public async Task No_reply_is_awaited_where_none_is_expected(CancellationToken stop)
    {
        var report = await RunAsync(await ServeAsync(Handlers.Discard), stop, ReplyExpectation.None);

        Assert.That(report.Succeeded, Is.True, report.ToString());
        Assert.That((report.RoundTrips, report.BytesSent, report.RoundTripLatency.Count), Is.EqualTo((2_000, 12_000, 0)));
    }

    [Test]
    public async Task Refused_connects_are_counted_by_errno(CancellationToken stop)
    {
        var report = await RunAsync(Ports.FindClosed(), stop);

        Assert.That(report.Outcomes, Is.EqualTo(All("ECONNREFUSED")));
        Assert.That((report.Connected, report.OpenTogether, report.Succeeded), Is.EqualTo((0, 0, false)));
    }

    [Test]
    public async Task A_paced_load_opens_all_of_its_connections(CancellationToken stop)
    {
        var report = await RunAsync(await ServeAsync(Handlers.Uppercase), stop, rate: 2_000);

        Assert.That((report.Succeeded, report.OpenTogether, report.Rate), Is.EqualTo((true, Connections, 2_000)));
    }

    [Test]
    public async Task A_load_with_a_duration_goes_on_after_the_last_connect(CancellationToken stop)
    {
        var report = await RunAsync(await ServeAsync(Handlers.Uppercase), stop, duration: TimeSpan.FromMilliseconds(200));

        Assert.That(report.Succeeded, Is.True, report.ToString());
        Assert.That(report.RoundTrips, Is.GreaterThanOrEqualTo(Connections));
        Assert.That((report.Repeat, report.DurationSeconds), Is.EqualTo(((int?)null, 0.2)));
    }

    [Test]
    public async Task A_stopped_load_reports_what_it_has(CancellationToken stop)
    {
        using var ctrlC = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var messages = 0;
        var target = await ServeAsync(async connection =>
        {
            // All are connected and wait for a reply that does not come any more.
            await ReadMessage(connection);
            if (++messages == Connections)
                await ctrlC.CancelAsync();
            await Handlers.Discard(connection);
        });
        var report = await RunAsync(target, ctrlC.Token);

        Assert.That((report.Interrupted, report.Succeeded, report.Connected, report.OpenTogether), Is.EqualTo((true, false, Connections, Connections)));
        Assert.That(report.Failures, Is.Empty);
    }

    [Test]
    public async Task A_load_that_is_stopped_before_it_starts_tells_so(CancellationToken stop)
    {
        using var ctrlC = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await ctrlC.CancelAsync();
        var report = await RunAsync(await ServeAsync(Handlers.Uppercase), ctrlC.Token);

        Assert.That((report.Interrupted, report.Succeeded), Is.EqualTo((true, false)));
        Assert.That(report.Outcomes.Values.Sum(), Is.EqualTo(Connections));
    }

    [Test]
    public async Task Progress_ends_where_the_report_does(CancellationToken stop)
    {
        var run = new LoadRun(_client, new LoadPlan { Target = await ServeAsync(Handlers.Uppercase), Connections = Connections });
        await run.RunAsync(stop);

        Assert.That(run.Progress, Is.EqualTo(new LoadProgress(Connections, Connections, Connections, 2_000)));
    }

    [Test]
    public async Task A_load_runs_once(CancellationToken stop)
    {
        var run = new LoadRun(_client, new LoadPlan { Target = await ServeAsync(Handlers.Uppercase), Connections = 1 });
        await run.RunAsync(stop);

        Assert.That(async () => await run.RunAsync(stop), Throws.InvalidOperationException);
    }

    private async Task<EndPoint> ServeAsync(ConnectionHandler handler) =>
        (await _server.ListenAsync(new IPEndPoint(IPAddress.Loopback, 0), handler)).LocalEndPoint;

    private Task<LoadReport> RunAsync(
        EndPoint target,
        CancellationToken stop,
        ReplyExpectation expect = ReplyExpectation.Uppercase,
        int inFlight = 512,
        TimeSpan? replyTimeout = null,
        TimeSpan? duration = null,
        double? rate = null) => new LoadRun(_client, new LoadPlan
        {
            Target = target,
            Connections = Connections,
            Expect = expect,
            InFlight = inFlight,
            ReplyTimeout = replyTimeout ?? TimeSpan.FromSeconds(30),
            Duration = duration,
            ConnectsPerSecond = rate,
        }).RunAsync(stop);

    private static Dictionary<string, int> All(string name) => new(StringComparer.Ordinal) { [name] = Connections };

    private static async Task ReadMessage(Connection connection)
    {
        var read = await connection.Input.ReadAtLeastAsync(6);
        connection.Input.AdvanceTo(read.Buffer.End);
    }

    private static async Task ReplyByteByByte(Connection connection)
    {
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            var letters = read.Buffer.ToArray();
            connection.Input.AdvanceTo(read.Buffer.End);
            foreach (var letter in letters)
            {
                await connection.Output.WriteAsync(new[] { (byte)char.ToUpperInvariant((char)letter) });
                await Task.Yield();
            }
            if (read.IsCompleted)
                return;
        }
    }

    private static async Task ReplyToEach(Connection connection, ReadOnlyMemory<byte> reply)
    {
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            connection.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                return;
            await connection.Output.WriteAsync(reply);
        }
    }
}
