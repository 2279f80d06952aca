using Reactor.Perf.Comparison;

namespace Reactor.Tool.Tests;

/// <summary>When <c>perf/run</c> throws a cell out.</summary>
public sealed class CellTests
{
    private static readonly EchoScenario Many = new(64, 64);
    private static readonly EchoScenario One = new(1, 64);

    [Test]
    public void A_busy_server_with_a_load_that_waits_for_it_is_good()
    {
        var cell = Cell(busy: 0.99, loadIdle: 0.2).Judge(Many);

        Assert.That((cell.Rejection, cell.MayTakeMoreLoad(Many)), Is.EqualTo(((string?)null, false)));
    }

    [Test]
    public void A_server_that_is_not_busy_is_thrown_out_and_may_be_tried_again()
    {
        var cell = Cell(busy: 0.89, loadIdle: 0.2).Judge(Many);

        Assert.That((cell.IsDisturbed, cell.IsFailure), Is.EqualTo((true, false)));
        Assert.That(cell.Rejection, Does.StartWith("server busy only 89.0 %"));
    }

    [Test]
    public void One_connection_leaves_its_server_idle_and_only_strangers_spoil_that()
    {
        Assert.That(Cell(busy: 0.4, loadIdle: 0.0).Judge(One).IsGood);
        Assert.That((Cell(busy: 0.4, loadIdle: 0.0) with { OthersOnLoadCore = 0.11 }).Judge(One).IsDisturbed);
    }

    [TestCase(0.94, 0.009, false, TestName = "A_load_that_never_waits_while_the_server_stands_still_was_the_limit")]
    [TestCase(0.96, 0.009, true, TestName = "A_server_that_stands_still_for_less_than_it_could_gain_much_by_is_good")]
    [TestCase(0.94, 0.010, true, TestName = "A_load_that_waits_for_the_server_was_not_the_limit")]
    public void The_load_was_the_limit_when_only_the_server_waited(double busy, double loadIdle, bool isGood)
    {
        var cell = Cell(busy, loadIdle).Judge(Many);

        Assert.That(cell.IsGood, Is.EqualTo(isGood));
        Assert.That(cell.Rejection ?? "the load was the limit", Does.StartWith("the load was the limit"));
    }

    [Test]
    public void What_strangers_took_of_the_servers_core_is_not_held_against_the_load()
    {
        var cell = (Cell(busy: 0.92, loadIdle: 0.0) with { OthersOnServerCore = 0.07 }).Judge(Many);

        Assert.That((cell.IsGood, cell.MayTakeMoreLoad(Many)), Is.EqualTo((true, false)));
    }

    [Test]
    public void Where_both_waited_at_times_more_load_is_tried([Values(0.95, 0.98)] double busy, [Values(0.0, 0.2)] double loadIdle)
    {
        Assert.That(Cell(busy, loadIdle).Judge(Many).MayTakeMoreLoad(Many), Is.EqualTo(busy < 0.97 && loadIdle > 0.01));
        Assert.That(Cell(busy, loadIdle).Judge(One).MayTakeMoreLoad(One), Is.False, "one connection is one connection");
    }

    [TestCase(1.04, true)]
    [TestCase(1.06, false)]
    public void Twice_the_load_that_gives_much_more_shows_that_the_load_was_the_limit(double gain, bool isGood)
    {
        var cell = Cell(busy: 0.95, loadIdle: 0.2);
        cell = (cell with { RequestsPerSecondAtTwiceTheLoad = cell.RequestsPerSecond * gain }).Judge(Many);

        Assert.That(cell.IsGood, Is.EqualTo(isGood));
        Assert.That(cell.Rejection ?? "6.0 %", Does.Contain("6.0 %"));
    }

    [Test]
    public void A_stranger_on_the_port_is_not_the_servers_fault_whatever_it_answered()
    {
        var cell = Cell(busy: 0.99, loadIdle: 0.2, wrong: 3) with { IsPortShared = true };

        Assert.That((cell.Judge(Many).IsDisturbed, cell.Judge(Many).IsFailure), Is.EqualTo((true, false)));
        Assert.That((cell with { IsPortShared = false }).Judge(Many).IsFailure, "alone, it answered wrongly itself");
    }

    [Test]
    public void A_listener_is_told_from_a_connection_and_from_another_port()
    {
        string[] table =
        [
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0000000000000000 100 0 0 10 0",
            "   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0000000000000000 20 4 30 10 -1",
            "   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0000000000000000 100 0 0 10 0",
            "   3: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 444 1 0000000000000000 100 0 0 10 0",
        ];

        Assert.That(Listeners.InodesOf(8080, table), Is.EqualTo((string[])["111", "444"]));
    }

    [Test]
    public void The_port_of_this_process_is_shared_unless_this_process_counts_as_its_own()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("sockets are looked up in /proc, which only Linux has");
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;

        Assert.That(Listeners.HasStranger(port, ProcessTree.Of(Environment.ProcessId)), Is.False);
        Assert.That(Listeners.HasStranger(port, []), Is.True);
    }

    [Test]
    public void Counts_of_system_calls_are_read_from_what_the_tools_print()
    {
        Assert.That(SyscallCounter.PerfCount("29,,raw_syscalls:sys_enter,949082,100.00,,\n"), Is.EqualTo(29));
        Assert.That(SyscallCounter.PerfCount("<not counted>,,raw_syscalls:sys_enter,0,100.00,,\n"), Is.Null);
        Assert.That(SyscallCounter.StraceCount("strace: Process 7 detached\n    calls syscall\n---------\n       28 read\n        1 write\n---------\n       29 total\n"), Is.EqualTo(29));
        Assert.That(SyscallCounter.StraceCount("strace: attach: ptrace(PTRACE_SEIZE, 7): Operation not permitted\n"), Is.Null);
    }

    private static Cell Cell(double busy, double loadIdle, long wrong = 0) => new(1, "64x64", "epoll")
    {
        Load = new()
        {
            Requests = 300_000,
            Seconds = 3,
            Wrong = wrong,
            Lost = 0,
            Stalled = 0,
            ServerCpuSeconds = 3 * busy,
            LoadCpuSeconds = 3,
            IdleSeconds = 3 * loadIdle,
            P50Us = 300,
            P99Us = 500,
            P999Us = 900,
        },
        OthersOnServerCore = 0,
        OthersOnLoadCore = 0,
    };
}
