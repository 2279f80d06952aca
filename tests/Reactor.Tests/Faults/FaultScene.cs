using System.Buffers;
using System.Net;
using System.Text;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A loop on a faulty kernel, with an echo listener, and the one fault that is to happen on it.</summary>
internal sealed class FaultScene : IAsyncDisposable
{
    private readonly ScratchDirectory _directory = new();

    private FaultScene(KernelCall call, Errno errno)
    {
        Call = call;
        Errno = errno;
        Loop = TestLoop.Start(Kernel);
    }

    public KernelCall Call { get; }

    public Errno Errno { get; }

    public FaultyKernel Kernel { get; } = new();

    public EventLoop Loop { get; }

    public Listener Listener { get; private set; } = null!;

    /// <summary>Whether the call is simply made again.</summary>
    public bool IsTriedAgain => Errno is Errno.EAGAIN or Errno.EINTR;

    /// <summary>What the loop holds, and how many descriptors the process has.</summary>
    public (int Connections, int Registrations, int Timers, int Buffers, int Descriptors) Holdings
    {
        get
        {
            var counters = Loop.Counters;
            return (counters.Connections, counters.Registrations, counters.Timers, counters.RentedBuffers, Descriptors.OfNetwork().Count);
        }
    }

    public static async Task<FaultScene> Open(KernelCall call, Errno errno)
    {
        var scene = new FaultScene(call, errno);
        await scene.Listen();
        return scene;
    }

    public async Task Listen() => Listener = await Loop.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();

    /// <summary>From here on the fault happens, once.</summary>
    public void Inject(int first = 1, int? descriptor = null) =>
        Kernel.Inject(new Fault { Call = Call, Errno = Errno, First = first, Descriptor = descriptor });

    public string File(string name) => _directory.File(name);

    /// <summary>A dialled connection with a scripted peer.</summary>
    public async Task<(Connection Connection, RawPeer Peer)> Dial(EndPoint? at = null, ConnectOptions? options = null, int? peerReceiveBuffer = null)
    {
        using var listener = RawListener.Start(at, receiveBuffer: peerReceiveBuffer);
        var connection = await new Connector(Loop, options).ConnectAsync(listener.LocalEndPoint).Within();
        return (connection, listener.Accept());
    }

    /// <summary>A loop that lives serves a fresh connection.</summary>
    public async Task ServesAnother()
    {
        await using var connection = await Loop.ConnectAsync(Listener.LocalEndPoint).Within();
        await connection.Output.WriteAsync("still here"u8.ToArray()).Within();
        var read = await connection.Input.ReadAtLeastAsync(10).Within();
        Assert.That(Encoding.Latin1.GetString(read.Buffer.ToArray()), Is.EqualTo("still here"));
        connection.Input.AdvanceTo(read.Buffer.End);
    }

    public async ValueTask DisposeAsync()
    {
        await Loop.DisposeAsync().Within();
        _directory.Dispose();
    }
}
