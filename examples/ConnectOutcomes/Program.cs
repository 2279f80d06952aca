// Shows how connects end, one of each kind. Only this machine is dialled.
using System.Net;
using System.Net.Sockets;
using Reactor;

await using var loop = EventLoop.Start();
await using var listener = await loop.ListenAsync(new IPEndPoint(IPAddress.Loopback, 0), Handlers.Discard);
var address = (IPEndPoint)listener.LocalEndPoint;

await ShowAsync("somebody listens", loop.TryConnectAsync(address));

var closed = await loop.ListenAsync(new IPEndPoint(IPAddress.Loopback, 0), Handlers.Discard);
await closed.DisposeAsync();
await ShowAsync("nobody listens: a RST comes back", loop.TryConnectAsync(closed.LocalEndPoint));

await ShowAsync("no such Unix-domain socket", loop.TryConnectAsync(new UnixDomainSocketEndPoint("/no/such/socket")));

// TCP has no broadcast: the kernel finds no route for it and sends nothing.
await ShowAsync("no route", loop.TryConnectAsync(IPEndPoint.Parse("127.255.255.255:9")));

// 192.0.2.0/24 is for documentation (RFC 5737), so it is none of this machine's addresses.
var fromElsewhere = new Connector(loop, new ConnectOptions { LocalEndPoints = [IPEndPoint.Parse("192.0.2.1:0")] });
await ShowAsync("a source that is not ours", fromElsewhere.TryConnectAsync(address));

// One byte longer than DNS allows (RFC 1035), so no name server is asked about it.
var name = string.Join('.', Enumerable.Repeat(new string('a', 63), 3).Append(new string('a', 62)));
await ShowAsync("a name without an address", loop.TryConnectAsync(name, address.Port));

// Whoever listens and does not accept has a full backlog soon, and from then on the kernel drops what comes: to us that
// looks like a host that is switched off.
using var deaf = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
deaf.Bind(new IPEndPoint(IPAddress.Loopback, 0));
deaf.Listen(1);
var impatient = new Connector(loop, new ConnectOptions { ConnectTimeout = TimeSpan.FromSeconds(0.3) });
var result = await impatient.TryConnectAsync(deaf.LocalEndPoint!);
while (result.IsConnected)
    result = await impatient.TryConnectAsync(deaf.LocalEndPoint!);
await ShowAsync("nothing comes back", ValueTask.FromResult(result));

using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(0.1));
await ShowAsync("cancelled meanwhile", loop.TryConnectAsync(deaf.LocalEndPoint!, soon.Token));

static async Task ShowAsync(string what, ValueTask<ConnectResult> connect)
{
    // An outcome is a value: none of these throws.
    var result = await connect;
    var errno = result.Errno == Errno.None ? "-" : result.Errno.Name;
    Console.WriteLine($"{what,-34} {result.Outcome,-18} {errno,-13} {result.Syscall ?? "-",-11} {result.Elapsed.TotalMilliseconds:0.0} ms");
    if (result.Connection is { } connection)
        await connection.CloseAsync();
}
