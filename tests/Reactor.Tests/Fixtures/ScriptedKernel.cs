using System.Net;
using System.Net.Sockets;

namespace Reactor.Tests.Fixtures;

internal delegate int ReceiveCall(int descriptor, Span<byte> buffer);

internal delegate int SendCall(int descriptor, ReadOnlySpan<byte> data);

internal delegate int GatherCall(int descriptor, ReadOnlySpan<IoVector> vectors);

internal delegate int WaitCall(Span<PollEvent> events, int timeoutMs);

/// <summary>
/// The real kernel with some of its calls replaced: a test sets a delegate, which may answer by itself or ask <see cref="Real"/>.
/// Every call is counted, whoever answers it.
/// </summary>
/// <remarks>The delegates run on the loop's thread; the counts may be read on any.</remarks>
internal sealed class ScriptedKernel : Kernel
{
    private readonly int[] _counts = new int[Enum.GetValues<KernelCall>().Length];
    private long _jumpedNs;

    public Kernel Real { get; } = Kernel.System;

    public Func<AddressFamily, int>? OnSocket { get; set; }

    public Func<int, SocketAddress, int>? OnBind { get; set; }

    public Func<int, int, int>? OnListen { get; set; }

    public Func<int, SocketAddress, int>? OnAccept { get; set; }

    public Func<int, SocketAddress, int>? OnConnect { get; set; }

    public ReceiveCall? OnReceive { get; set; }

    public ReceiveCall? OnReceiveUrgent { get; set; }

    public SendCall? OnSend { get; set; }

    public GatherCall? OnGather { get; set; }

    public Func<int, SocketShutdown, int>? OnShutdown { get; set; }

    public Func<int, int>? OnClose { get; set; }

    public Func<int, SocketOption, int, int>? OnSetOption { get; set; }

    public Func<int, int>? OnSocketError { get; set; }

    public Func<int, SocketAddress, int>? OnLocalAddress { get; set; }

    public Func<int, SocketAddress, int>? OnPeerAddress { get; set; }

    /// <summary>Answers 0 for a poller, or the errno, negative, with which there is none.</summary>
    public Func<int>? OnCreatePoller { get; set; }

    /// <summary>What it does otherwise than Linux; null for what the real one does.</summary>
    public KernelTraits? Otherwise { get; init; }

    public Func<int, Token, int>? OnAdd { get; set; }

    public Func<int, int>? OnRemove { get; set; }

    /// <summary>Gets the events that were waited for and may change them; answers how many there are now.</summary>
    public WaitCall? OnWait { get; set; }

    /// <summary>The poller underneath, for a delegate that wants the real call.</summary>
    public Poller? RealPoller { get; private set; }

    public override string PollerSyscall => Real.PollerSyscall;

    public override KernelTraits Traits => Otherwise ?? Real.Traits;

    public override long Timestamp => Real.Timestamp + Volatile.Read(ref _jumpedNs);

    /// <summary>Moves the clock ahead; as after a machine's sleep.</summary>
    public void Jump(TimeSpan time) => Interlocked.Add(ref _jumpedNs, time.Ticks * TimeSpan.NanosecondsPerTick);

    public int Count(KernelCall call) => Volatile.Read(ref _counts[(int)call]);

    public override int Socket(AddressFamily family)
    {
        Called(KernelCall.Socket);
        return OnSocket?.Invoke(family) ?? Real.Socket(family);
    }

    public override int Bind(int descriptor, SocketAddress address)
    {
        Called(KernelCall.Bind);
        return OnBind?.Invoke(descriptor, address) ?? Real.Bind(descriptor, address);
    }

    public override int Listen(int descriptor, int backlog)
    {
        Called(KernelCall.Listen);
        return OnListen?.Invoke(descriptor, backlog) ?? Real.Listen(descriptor, backlog);
    }

    public override int Adopt(int descriptor)
    {
        Called(KernelCall.Adopt);
        return Real.Adopt(descriptor);
    }

    public override int Accept(int descriptor, SocketAddress peer)
    {
        Called(KernelCall.Accept);
        return OnAccept?.Invoke(descriptor, peer) ?? Real.Accept(descriptor, peer);
    }

    public override int Connect(int descriptor, SocketAddress address)
    {
        Called(KernelCall.Connect);
        return OnConnect?.Invoke(descriptor, address) ?? Real.Connect(descriptor, address);
    }

    public override int Receive(int descriptor, Span<byte> buffer)
    {
        Called(KernelCall.Receive);
        return OnReceive is { } script ? script(descriptor, buffer) : Real.Receive(descriptor, buffer);
    }

    public override int Peek(int descriptor, Span<byte> buffer)
    {
        Called(KernelCall.Peek);
        return Real.Peek(descriptor, buffer);
    }

    public override int Send(int descriptor, ReadOnlySpan<byte> data)
    {
        Called(KernelCall.Send);
        return OnSend is { } script ? script(descriptor, data) : Real.Send(descriptor, data);
    }

    public override int Send(int descriptor, ReadOnlySpan<IoVector> vectors)
    {
        Called(KernelCall.Gather);
        return OnGather is { } script ? script(descriptor, vectors) : Real.Send(descriptor, vectors);
    }

    public override int SendUrgent(int descriptor, ReadOnlySpan<byte> data)
    {
        Called(KernelCall.SendUrgent);
        return Real.SendUrgent(descriptor, data);
    }

    public override int ReceiveUrgent(int descriptor, Span<byte> buffer)
    {
        Called(KernelCall.ReceiveUrgent);
        return OnReceiveUrgent is { } script ? script(descriptor, buffer) : Real.ReceiveUrgent(descriptor, buffer);
    }

    public override int IsAtMark(int descriptor)
    {
        Called(KernelCall.IsAtMark);
        return Real.IsAtMark(descriptor);
    }

    public override int Shutdown(int descriptor, SocketShutdown how)
    {
        Called(KernelCall.Shutdown);
        return OnShutdown?.Invoke(descriptor, how) ?? Real.Shutdown(descriptor, how);
    }

    public override int Close(int descriptor)
    {
        Called(KernelCall.Close);
        return OnClose?.Invoke(descriptor) ?? Real.Close(descriptor);
    }

    public override int SetOption(int descriptor, SocketOption name, int value)
    {
        Called(KernelCall.SetOption);
        return OnSetOption?.Invoke(descriptor, name, value) ?? Real.SetOption(descriptor, name, value);
    }

    public override int BindToDevice(int descriptor, string device)
    {
        Called(KernelCall.BindToDevice);
        return Real.BindToDevice(descriptor, device);
    }

    public override int PeerCredentials(int descriptor, out PeerCredentials credentials)
    {
        Called(KernelCall.PeerCredentials);
        return Real.PeerCredentials(descriptor, out credentials);
    }

    public override int SocketError(int descriptor)
    {
        Called(KernelCall.SocketError);
        return OnSocketError?.Invoke(descriptor) ?? Real.SocketError(descriptor);
    }

    public override int LocalAddress(int descriptor, SocketAddress address)
    {
        Called(KernelCall.LocalAddress);
        return OnLocalAddress?.Invoke(descriptor, address) ?? Real.LocalAddress(descriptor, address);
    }

    public override int PeerAddress(int descriptor, SocketAddress address)
    {
        Called(KernelCall.PeerAddress);
        return OnPeerAddress?.Invoke(descriptor, address) ?? Real.PeerAddress(descriptor, address);
    }

    public override int Unlink(string path)
    {
        Called(KernelCall.Unlink);
        return Real.Unlink(path);
    }

    public override int SetMode(string path, UnixFileMode mode)
    {
        Called(KernelCall.SetMode);
        return Real.SetMode(path, mode);
    }

    public override int SetOwner(string path, int userId, int groupId)
    {
        Called(KernelCall.SetOwner);
        return Real.SetOwner(path, userId, groupId);
    }

    public override int IsStaleSocket(string path)
    {
        Called(KernelCall.IsStaleSocket);
        return Real.IsStaleSocket(path);
    }

    public override int CreatePoller(out Poller? poller)
    {
        if (OnCreatePoller?.Invoke() is < 0 and var refused)
        {
            poller = null;
            return refused;
        }

        var answer = Real.CreatePoller(out var real);
        RealPoller = real;
        poller = real is null ? null : new ScriptedPoller(this, real);
        return answer;
    }

    private void Called(KernelCall call) => Interlocked.Increment(ref _counts[(int)call]);

    private sealed class ScriptedPoller(ScriptedKernel kernel, Poller real) : Poller
    {
        public override string AddSyscall => real.AddSyscall;

        public override int Add(int descriptor, Token token)
        {
            kernel.Called(KernelCall.Add);
            return kernel.OnAdd?.Invoke(descriptor, token) ?? real.Add(descriptor, token);
        }

        public override int Remove(int descriptor)
        {
            kernel.Called(KernelCall.Remove);
            return kernel.OnRemove?.Invoke(descriptor) ?? real.Remove(descriptor);
        }

        public override int Wait(Span<PollEvent> events, int timeoutMs)
        {
            kernel.Called(KernelCall.Wait);
            return kernel.OnWait is { } script ? script(events, timeoutMs) : real.Wait(events, timeoutMs);
        }

        public override int Wake()
        {
            kernel.Called(KernelCall.Wake);
            return real.Wake();
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                real.Dispose();
        }
    }
}
