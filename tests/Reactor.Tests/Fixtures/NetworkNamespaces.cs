using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Reactor.Tests.Fixtures;

/// <summary>
/// Three hosts in a row, each a network namespace of its own: a client, a router with a firewall, a server.
/// Nothing of it touches the machine's own network, and it needs root, <c>ip</c> and <c>nft</c>.
/// </summary>
/// <remarks>
/// A loop enters a namespace by a <c>setns</c> on its own thread: the thread then makes all its sockets there,
/// and takes the membership with it when it ends.
/// </remarks>
internal sealed partial class NetworkNamespaces : IDisposable
{
    public const int ClosedPort = 7099;
    public const int HostUnreachablePort = 7101;
    public const int NetUnreachablePort = 7102;
    public const int ProhibitedPort = 7103;
    public const int DroppedPort = 7104;
    public const int ResetPort = 7105;
    public const int PortUnreachablePort = 7106;

    /// <summary>Dropped when it comes over IPv6, and let through over IPv4: a network whose IPv6 is broken.</summary>
    public const int BrokenIPv6Port = 7107;

    public static readonly IPAddress Server = IPAddress.Parse("10.77.2.2");
    public static readonly IPAddress Server6 = IPAddress.Parse("fd77:2::2");

    /// <summary>The router's end of the client's cable.</summary>
    public static readonly IPAddress Router = IPAddress.Parse("10.77.1.1");

    /// <summary>The same by its link-local address, which means something only together with <see cref="ClientDevice"/>.</summary>
    public static readonly IPAddress RouterLinkLocal = IPAddress.Parse("fe80::77:1:1");

    /// <summary>The address to which all hosts of the client's network listen.</summary>
    public static readonly IPAddress Broadcast = IPAddress.Parse("10.77.1.255");

    /// <summary>On the client's own network, and nobody answers its ARP or neighbour solicitation.</summary>
    public static readonly IPAddress AbsentNeighbour = IPAddress.Parse("10.77.1.99");
    public static readonly IPAddress AbsentNeighbour6 = IPAddress.Parse("fd77:1::99");

    /// <summary>Behind the router, which asks for it in vain and then says so.</summary>
    public static readonly IPAddress AbsentBehindRouter = IPAddress.Parse("10.77.2.99");

    /// <summary>The client has no default route.</summary>
    public static readonly IPAddress WithoutRoute = IPAddress.Parse("10.99.0.1");
    public static readonly IPAddress WithoutRoute6 = IPAddress.Parse("fd99::1");

    /// <summary>The network interface of the client, and of the server in its own namespace.</summary>
    public const string ClientDevice = "uplink";

    private const string Prefix = "reactor-test-";
    private const int CLONE_NEWNET = 0x40000000;

    private static readonly string Mine = $"{Prefix}{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}-";

    [ThreadStatic]
    private static bool _isInside;

    private NetworkNamespaces()
    {
    }

    /// <summary>Whether the calling thread has left the machine's own network.</summary>
    public static bool IsInside => _isInside;

    public static string ClientName => Mine + "client";

    public static string RouterName => Mine + "router";

    public static string ServerName => Mine + "server";

    /// <summary>Builds the three, or ends the test as skipped with the reason why they cannot be had here.</summary>
    public static NetworkNamespaces BuildOrSkip()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("Network namespaces are a thing of Linux.");
        if (geteuid() != 0)
            Assert.Ignore("Network namespaces need root (CAP_SYS_ADMIN and CAP_NET_ADMIN).");

        RemoveLeftOvers();
        var namespaces = new NetworkNamespaces();
        try
        {
            Build();
            return namespaces;
        }
        catch (UnavailableException unavailable)
        {
            namespaces.Dispose();
            Assert.Ignore($"Network namespaces cannot be built here: {unavailable.Message}");
            throw;
        }
    }

    /// <summary>Moves the loop's thread into the namespace; all sockets that it makes from now on are there.</summary>
    public static async Task<EventLoop> Enter(EventLoop loop, string name)
    {
        await loop.InvokeAsync(() => EnterThisThread(name)).Within();
        return loop;
    }

    /// <summary>Runs the function on a thread of its own inside the namespace; a socket that it makes stays there.</summary>
    public static T Inside<T>(string name, Func<T> make)
    {
        T made = default!;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                EnterThisThread(name);
                made = make();
            }
            catch (Exception exception)
            {
                failure = exception;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? made : throw new InvalidOperationException($"In {name}: {failure.Message}", failure);
    }

    /// <summary>Sets a sysctl inside a namespace.</summary>
    public static void Set(string name, string sysctl, string value) => Inside(name, () =>
    {
        // /proc/sys/net shows the namespace of the thread that opens it.
        File.WriteAllText($"/proc/sys/{sysctl.Replace('.', '/')}", value);
        return true;
    });

    /// <summary>The number that an interface has in its namespace, the scope of link-local addresses there.</summary>
    public static int InterfaceNumber(string name, string device) => Inside(name, () => (int)if_nametoindex(device));

    /// <summary>From now on the firewall drops what goes to this port and what comes from it, without a word: the peer has vanished.</summary>
    public static void DropFromNowOn(int port)
    {
        foreach (var side in (string[])["sport", "dport"])
            Run("ip", $"netns exec {RouterName} nft insert rule inet situations forward tcp {side} {port} drop");
    }

    /// <summary>Has the namespace's kernel forget what it learnt about peers, their TCP Fast Open cookies among it.</summary>
    public static void ForgetPeers(string name) => Run("ip", $"-n {name} tcp_metrics flush");

    public void Dispose()
    {
        foreach (var name in (string[])[ClientName, RouterName, ServerName])
            Delete(name);
    }

    private static void Build()
    {
        foreach (var name in (string[])[ClientName, RouterName, ServerName])
        {
            Run("ip", $"netns add {name}");
            Run("ip", $"-n {name} link set lo up");
        }

        Join(ClientName, RouterName, subnet: 1);
        Join(ServerName, RouterName, subnet: 2);
        Route(ClientName, to: 2, via: 1);
        Route(ServerName, to: 1, via: 2);

        Set(RouterName, "net.ipv4.ip_forward", "1");
        Set(RouterName, "net.ipv6.conf.all.forwarding", "1");

        // A router may answer only one unreachable a second by default, and the tests ask for more.
        Set(RouterName, "net.ipv4.icmp_ratelimit", "0");
        Set(RouterName, "net.ipv6.icmp.ratelimit", "0");
        Run("ip", $"netns exec {RouterName} nft -f -", Firewall);
    }

    private static string Firewall => $$"""
        table inet situations {
          chain forward {
            type filter hook forward priority 0; policy accept;
            meta nfproto ipv4 tcp dport {{HostUnreachablePort}} reject with icmp type host-unreachable
            meta nfproto ipv6 tcp dport {{HostUnreachablePort}} reject with icmpv6 type addr-unreachable
            meta nfproto ipv4 tcp dport {{NetUnreachablePort}} reject with icmp type net-unreachable
            meta nfproto ipv6 tcp dport {{NetUnreachablePort}} reject with icmpv6 type no-route
            tcp dport {{ProhibitedPort}} reject with icmpx type admin-prohibited
            tcp dport {{DroppedPort}} drop
            meta nfproto ipv6 tcp dport {{BrokenIPv6Port}} drop
            tcp dport {{ResetPort}} reject with tcp reset
            tcp dport {{PortUnreachablePort}} reject with icmpx type port-unreachable
          }
        }
        """;

    /// <summary>A cable from a host, ".2" at its end, to the router, ".1" at its own. Without nodad an IPv6 address is not usable for a second.</summary>
    private static void Join(string host, string router, int subnet)
    {
        var port = $"to{subnet.ToString(CultureInfo.InvariantCulture)}";
        Run("ip", $"-n {host} link add name {ClientDevice} type veth peer name {port} netns {router}");
        foreach (var (name, device, last) in (ReadOnlySpan<(string, string, int)>)[(host, ClientDevice, 2), (router, port, 1)])
        {
            Run("ip", $"-n {name} addr add 10.77.{subnet}.{last}/24 dev {device}");
            Run("ip", $"-n {name} -6 addr add fd77:{subnet}::{last}/64 dev {device} nodad");
            Run("ip", $"-n {name} -6 addr add fe80::77:{subnet}:{last}/64 dev {device} nodad");
            Run("ip", $"-n {name} link set {device} up");
        }
    }

    private static void Route(string host, int to, int via)
    {
        Run("ip", $"-n {host} route add 10.77.{to}.0/24 via 10.77.{via}.1");
        Run("ip", $"-n {host} -6 route add fd77:{to}::/64 via fd77:{via}::1");
    }

    /// <summary>A run that was killed leaves its namespaces; they carry the number of a process that is no more.</summary>
    private static void RemoveLeftOvers()
    {
        if (!Directory.Exists("/run/netns"))
            return;

        foreach (var name in Directory.EnumerateFileSystemEntries("/run/netns").Select(static path => Path.GetFileName(path)))
        {
            if (!name.StartsWith(Prefix, StringComparison.Ordinal))
                continue;

            var process = name[Prefix.Length..].Split('-')[0];
            if (name.StartsWith(Mine, StringComparison.Ordinal) || !Directory.Exists($"/proc/{process}"))
                Delete(name);
        }
    }

    private static void Delete(string name)
    {
        try
        {
            Run("ip", $"netns delete {name}");
        }
        catch (UnavailableException)
        {
            // It was never made, or is gone already.
        }
    }

    private static void EnterThisThread(string name)
    {
        _isInside = true;
        using var handle = File.OpenHandle($"/run/netns/{name}");
        if (setns(handle, CLONE_NEWNET) != 0)
            throw new InvalidOperationException($"setns: errno {Marshal.GetLastPInvokeError().ToString(CultureInfo.InvariantCulture)}");
    }

    private static void Run(string tool, FormattableString arguments, string? input = null) =>
        Run(tool, FormattableString.Invariant(arguments), input);

    private static void Run(string tool, string arguments, string? input = null)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(tool, arguments)
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new UnavailableException($"{tool}: {missing.Message}");
        }

        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var said = process.StandardError.ReadToEnd();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new UnavailableException($"`{tool} {arguments}` said: {said.Trim()}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(SafeFileHandle descriptor, int type);

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial uint if_nametoindex(string ifname);

    private sealed class UnavailableException(string reason) : Exception(reason);
}
