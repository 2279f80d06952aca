using System.Net;
using System.Net.Sockets;

namespace Reactor.Tool.Tests;

[CancelAfter(120_000)]
public sealed class ServeOnANameTests
{
    [Test]
    public async Task Every_address_of_localhost_that_this_machine_has_is_served(CancellationToken deadline)
    {
        // ::1 may be among them where there is no IPv6, or the other way round.
        var addresses = (await Dns.GetHostAddressesAsync("localhost", deadline)).Distinct().Where(IsOurs).ToList();
        Assert.That(addresses, Is.Not.Empty);
        using var serve = ReactorProcess.Start("serve", "echo", "--listen", "localhost:0");

        var served = new List<IPAddress>();
        while (served.Count < addresses.Count)
        {
            var line = await ReactorProcess.ReadLineWithAsync(serve.Output, "listening on ", deadline);
            var endPoint = IPEndPoint.Parse(line["listening on ".Length..]);
            served.Add(endPoint.Address);
            using var client = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await client.ConnectAsync(endPoint, deadline);
            await client.SendAsync("x"u8.ToArray(), deadline);
            Assert.That(await client.ReceiveAsync(new byte[1], deadline), Is.EqualTo(1));
        }

        Assert.That(served, Is.EquivalentTo(addresses));
    }

    private static bool IsOurs(IPAddress address)
    {
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
