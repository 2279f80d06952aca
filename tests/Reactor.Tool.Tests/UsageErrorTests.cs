namespace Reactor.Tool.Tests;

[CancelAfter(120_000)]
public sealed class UsageErrorTests
{
    [TestCase("")]
    [TestCase("bogus")]
    [TestCase("load --bogus")]
    [TestCase("load one:1 two:2")]
    [TestCase("load nonsense", "host:port, [v6]:port, unix:/path or unix:@abstract")]
    [TestCase("load --connections 0", "--connections")]
    [TestCase("load --connections many", "--connections")]
    [TestCase("load --in-flight -1", "--in-flight")]
    [TestCase("load --expect maybe", "echo, uppercase or none")]
    [TestCase("load --duration 0", "--duration")]
    [TestCase("load --rate NaN", "--rate")]
    [TestCase("load --duration 1 --repeat 1", "--repeat")]
    [TestCase("load --json 127.0.0.1:9523", "looks like an address")]
    [TestCase("load --json /no/such/folder/file", "does not exist")]
    [TestCase("load --json /", "is a folder")]
    [TestCase("probe")]
    [TestCase("probe nonsense", "host:port, [v6]:port, unix:/path or unix:@abstract")]
    [TestCase("probe 127.0.0.1:1 -4 -6", "exclude")]
    [TestCase("probe 127.0.0.1:1 -6", "-6")]
    [TestCase("probe 127.0.0.1:1 --source nowhere", "nowhere")]
    [TestCase("probe 127.0.0.1:1 --timeout -3", "--timeout")]
    [TestCase("serve")]
    [TestCase("serve http")]
    [TestCase("serve echo --listen nonsense", "host:port, [v6]:port, unix:/path or unix:@abstract")]
    [TestCase("serve echo --loops 0", "--loops")]
    [TestCase("serve echo --max-connections 1.5", "--max-connections")]
    [TestCase("serve echo --idle-timeout soon", "--idle-timeout")]
    public async Task A_usage_error_exits_2_and_says_what_is_wrong_on_standard_error(string arguments, string? words = null)
    {
        var args = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var result = await ReactorProcess.RunAsync(TestContext.CurrentContext.CancellationToken, args);

        Assert.That((result.ExitCode, result.Output), Is.EqualTo((2, "")));
        Assert.That(result.Error, Does.Contain("--help").And.Contain(words ?? ""));
    }

    [TestCase("--help", "serve")]
    [TestCase("load --help", "--in-flight")]
    [TestCase("--version", ".")]
    public async Task Help_is_a_result_and_exits_0(string arguments, string words)
    {
        var result = await ReactorProcess.RunAsync(TestContext.CurrentContext.CancellationToken, arguments.Split(' '));

        Assert.That((result.ExitCode, result.Error), Is.EqualTo((0, "")));
        Assert.That(result.Output, Does.Contain(words));
    }
}
