using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Reactor.Perf.Servers;

/// <summary>A connection handler on Kestrel's socket transport, which has no HTTP in its way.</summary>
internal sealed class KestrelEcho : IEchoServer
{
    private readonly WebApplication _application;

    private KestrelEcho(WebApplication application) => _application = application;

    public int Port => new Uri(_application.Services.GetRequiredService<IServer>()
        .Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single()).Port;

    public static async Task<IEchoServer> StartAsync(int port, bool inline)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseSockets(options => options.UnsafePreferInlineScheduling = inline);
        builder.WebHost.ConfigureKestrel(options =>
            options.Listen(IPAddress.Loopback, port, listen => listen.UseConnectionHandler<EchoHandler>()));
        var application = builder.Build();
        await application.StartAsync();
        return new KestrelEcho(application);
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private sealed class EchoHandler : Microsoft.AspNetCore.Connections.ConnectionHandler
    {
        public override async Task OnConnectedAsync(ConnectionContext connection)
        {
            var input = connection.Transport.Input;
            var output = connection.Transport.Output;
            while (true)
            {
                var result = await input.ReadAsync();

                // A large message lies in several of the transport's blocks: all are written, then flushed once.
                foreach (var memory in result.Buffer)
                    output.Write(memory.Span);
                if (!result.Buffer.IsEmpty)
                    await output.FlushAsync();

                input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted || result.IsCanceled)
                    return;
            }
        }
    }
}
