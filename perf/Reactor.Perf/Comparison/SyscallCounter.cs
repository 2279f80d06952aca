using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Reactor.Perf.Comparison;

/// <summary>
/// Counts the system calls of processes, all their threads, with perf(1): the kernel counts and nobody is stopped for it.
/// Where perf or its event is missing strace(1) does. That one stops a thread at each call, so threads that wait for each
/// other may make other calls than they would have.
/// </summary>
internal sealed class SyscallCounter
{
    private static readonly TimeSpan AttachLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);

    // Told to begin after a millisecond, perf says when it has begun.
    private static readonly SyscallCounter Perf =
        new("perf", ["stat", "-x,", "-D", "1", "-e", "raw_syscalls:sys_enter"], "Events enabled", saysItOfEach: false, PerfCount);

    private static readonly SyscallCounter Strace =
        new("strace", ["-c", "-f", "-U", "calls,name"], " attached", saysItOfEach: true, StraceCount);

    private readonly string _program;
    private readonly string[] _arguments;
    private readonly string _attached;
    private readonly bool _saysItOfEach;
    private readonly Func<string, long?> _count;

    private SyscallCounter(string program, string[] arguments, string attached, bool saysItOfEach, Func<string, long?> count) =>
        (_program, _arguments, _attached, _saysItOfEach, _count) = (program, arguments, attached, saysItOfEach, count);

    /// <summary>The one that works here, found out by having it count; otherwise why none does.</summary>
    public static async Task<(SyscallCounter? Counter, string? WhyNot)> FindAsync(Options options, CancellationToken cancellationToken)
    {
        var reasons = new List<string>();
        foreach (var counter in (SyscallCounter[])[Perf, Strace])
        {
            try
            {
                await using var cat = PinnedProcess.Start("cat", options.ServerCore, ["cat"]);
                await AskAsync(cat);
                if (await counter.CountAsync([cat.Id], () => AskAsync(cat), cancellationToken) > 0)
                    return (counter, null);
                reasons.Add($"{counter._program} counts nothing");
            }
            catch (PeerException e)
            {
                reasons.Add(e.Message);
            }
        }

        return (null, $"syscalls/request stay uncounted: {string.Join("; ", reasons)}");

        async Task AskAsync(PinnedProcess cat)
        {
            await cat.WriteLineAsync();
            await cat.ReadLineAsync(AttachLimit, cancellationToken);
        }
    }

    /// <summary>All system calls that are entered while something is done; nothing when the tool gave no count.</summary>
    public async Task<long?> CountAsync(IReadOnlyList<int> processes, Func<Task> something, CancellationToken cancellationToken)
    {
        using var tool = Start(processes);
        try
        {
            var last = "";
            for (var missing = _saysItOfEach ? processes.Count : 1; missing > 0; missing -= last.Contains(_attached, StringComparison.Ordinal) ? 1 : 0)
            {
                var line = await WithinAsync(AttachLimit, token => tool.StandardError.ReadLineAsync(token).AsTask(), cancellationToken);
                last = line ?? throw new PeerException($"{_program} ended: {last}");
            }

            await something();

            // .NET sends no signals. Interrupted, both tools let go of the processes and tell their counts.
            await Programs.RunAsync("sh", ["-c", string.Create(CultureInfo.InvariantCulture, $"kill -s INT {tool.Id}")], cancellationToken);
            return _count(await WithinAsync(EndLimit, tool.StandardError.ReadToEndAsync, cancellationToken));
        }
        finally
        {
            if (!tool.HasExited)
                tool.Kill();
        }
    }

    /// <summary>Of <c>COUNT,,raw_syscalls:sys_enter,...</c>; a process that did not run at all has no number there.</summary>
    internal static long? PerfCount(string output) =>
        Number(Line(output, static line => line.Contains("raw_syscalls:sys_enter", StringComparison.Ordinal))?.Split(',')[0]);

    /// <summary>Of <c>COUNT total</c>, the last line of the summary.</summary>
    internal static long? StraceCount(string output) =>
        Number(Line(output, static line => line.EndsWith(" total", StringComparison.Ordinal))?[..^" total".Length]);

    private static string? Line(string output, Func<string, bool> isIt) => output.Split('\n', StringSplitOptions.TrimEntries).FirstOrDefault(isIt);

    private static long? Number(string? text) => long.TryParse(text, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var number) ? number : null;

    private async Task<T> WithinAsync<T>(TimeSpan limit, Func<CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bounded.CancelAfter(limit);
        try
        {
            return await read(bounded.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new PeerException(string.Create(CultureInfo.InvariantCulture, $"{_program} said nothing for {limit.TotalSeconds} s"));
        }
    }

    private Process Start(IReadOnlyList<int> processes)
    {
        var ids = string.Join(',', processes.Select(static id => id.ToString(CultureInfo.InvariantCulture)));
        try
        {
            return Process.Start(new ProcessStartInfo(_program, [.. _arguments, "-p", ids]) { UseShellExecute = false, RedirectStandardError = true })!;
        }
        catch (Win32Exception)
        {
            throw new PeerException($"there is no {_program}");
        }
    }
}
