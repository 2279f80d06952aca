using System.Net;
using System.Net.Sockets;

namespace Reactor.Testing;

/// <summary>
/// Another kernel with faults: any call fails, is interrupted, comes up short or comes late, by rule (<see cref="Inject"/>) or
/// by chance (<see cref="Rates"/>), and its pollers give events late or for nothing. For the tests of whatever runs on an
/// <see cref="EventLoop"/>: set it as <see cref="EventLoopOptions.Kernel"/>.
/// </summary>
/// <remarks>
/// <para>A call that a fault answers is not made, with these exceptions. What gives something up is made whatever the answer:
/// <see cref="Close"/>, <see cref="Unlink"/>, <see cref="Poller.Remove"/>. A connect that goes on by itself is begun:
/// <c>EINPROGRESS</c>, <c>EALREADY</c> and, except on a Unix-domain socket, <c>EINTR</c>. <c>EISCONN</c> is answered when the connect
/// was made and is done. A <see cref="Poller.Wake"/> that answers <c>EAGAIN</c> wakes, for the eventfd's counter is full then.</para>
/// <para>Nobody is left waiting for an edge that has passed: after an <c>EAGAIN</c> that was not true, a short count, a
/// <see cref="SocketError"/> of <c>EINPROGRESS</c> or <c>EALREADY</c> and a <see cref="PeerAddress"/> of <c>ENOTCONN</c>, one of
/// the next waits tells of the socket again. While something is late the socket is not ready for it, whoever asks; a connect that
/// takes its time shows no error and no peer. Bytes that are late come at once when the connection breaks, before its end.</para>
/// <para>From any thread, and for several loops at once.</para>
/// </remarks>
public sealed class FaultyKernel : Kernel
{
    private readonly FaultPlan _plan = new();
    private readonly OwedEvents _owed;

    /// <summary>Puts faults before a kernel. There are none until they are asked for.</summary>
    /// <param name="inner">The kernel that makes the calls; null for <see cref="Kernel.System"/>.</param>
    public FaultyKernel(Kernel? inner = null)
    {
        Inner = inner ?? System;
        _owed = new OwedEvents(Inner);
    }

    /// <summary>The kernel that makes the calls.</summary>
    public Kernel Inner { get; }

    /// <summary>How often faults happen by chance, to calls that no rule is about; null for never. Setting it starts from the seed.</summary>
    public FaultRates? Rates
    {
        get => _plan.Rates;
        set => _plan.Rates = value;
    }

    /// <summary>The faults so far, of all calls.</summary>
    public long Faults => _plan.Faults();

    /// <inheritdoc/>
    public override string PollerSyscall => Inner.PollerSyscall;

    /// <inheritdoc/>
    public override KernelTraits Traits => Inner.Traits;

    /// <inheritdoc/>
    public override long Timestamp => Inner.Timestamp;

    /// <summary>Adds a rule. Of several that a call meets the oldest says what happens, and all have counted it.</summary>
    /// <exception cref="ArgumentException">No kernel could do that; the message says why.</exception>
    public void Inject(Fault fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        if (fault.Nonsense is { } reason) throw new ArgumentException(reason, nameof(fault));
        _plan.Add(fault);
    }

    /// <summary>Ends all faults: forgets the rules and the rates. What is late already still comes at its time.</summary>
    public void Clear() => _plan.Clear();

    /// <summary>How often a call was asked for so far, with and without a fault.</summary>
    public long CallsOf(KernelCall call) => _plan.CallsOf(call);

    /// <summary>How often a fault happened to a call so far. Late events count as the wait's.</summary>
    public long FaultsOf(KernelCall call) => _plan.FaultsOf(call);

    /// <inheritdoc/>
    public override int Socket(AddressFamily family) => Refusal(KernelCall.Socket) is < 0 and var refusal ? refusal : Inner.Socket(family);

    /// <inheritdoc/>
    public override int Bind(int descriptor, SocketAddress address) =>
        Refusal(KernelCall.Bind, descriptor) is < 0 and var refusal ? refusal : Inner.Bind(descriptor, address);

    /// <inheritdoc/>
    public override int Listen(int descriptor, int backlog) =>
        Refusal(KernelCall.Listen, descriptor) is < 0 and var refusal ? refusal : Inner.Listen(descriptor, backlog);

    /// <inheritdoc/>
    public override int Adopt(int descriptor) =>
        Refusal(KernelCall.Adopt, descriptor) is < 0 and var refusal ? refusal : Inner.Adopt(descriptor);

    /// <inheritdoc/>
    public override int Accept(int descriptor, SocketAddress peer) =>
        Refusal(KernelCall.Accept, descriptor, 0, out _) is < 0 and var refusal ? refusal : Inner.Accept(descriptor, peer);

    /// <inheritdoc/>
    public override int Connect(int descriptor, SocketAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var verdict = _plan.Next(KernelCall.Connect, descriptor);
        var goesOn = verdict.Errno switch
        {
            Errno.None or Errno.EINPROGRESS or Errno.EALREADY or Errno.EISCONN => true,
            Errno.EINTR => address.Family != AddressFamily.Unix,
            _ => false,
        };
        if (!goesOn) return -(int)verdict.Errno;

        var answer = Inner.Connect(descriptor, address);
        if (verdict.Errno == Errno.None || answer is not (0 or -(int)Errno.EINPROGRESS)) return answer;
        if (verdict.Errno == Errno.EISCONN && !IsConnected(descriptor)) return answer;
        if (verdict.Delay > TimeSpan.Zero) _owed.OweConnect(descriptor, verdict.Delay);
        else if (verdict.Errno != Errno.EISCONN) _owed.Owe(descriptor, Readiness.Writable, TimeSpan.Zero);
        return -(int)verdict.Errno;
    }

    /// <inheritdoc/>
    public override int Receive(int descriptor, Span<byte> buffer) =>
        Refusal(KernelCall.Receive, descriptor, buffer.Length, out var most) is < 0 and var refusal ? refusal : Inner.Receive(descriptor, buffer[..most]);

    /// <inheritdoc/>
    public override int Peek(int descriptor, Span<byte> buffer) =>
        Refusal(KernelCall.Peek, descriptor, buffer.Length, out var most) is < 0 and var refusal ? refusal : Inner.Peek(descriptor, buffer[..most]);

    /// <inheritdoc/>
    public override int Send(int descriptor, ReadOnlySpan<byte> data) =>
        Refusal(KernelCall.Send, descriptor, data.Length, out var most) is < 0 and var refusal ? refusal : Inner.Send(descriptor, data[..most]);

    /// <inheritdoc/>
    public override int Send(int descriptor, ReadOnlySpan<IoVector> vectors)
    {
        var length = 0L;
        foreach (var vector in vectors) length += (long)vector.Length;
        var refusal = Refusal(KernelCall.Gather, descriptor, (int)Math.Min(length, int.MaxValue), out var most);
        if (refusal < 0) return refusal;
        return most < length ? Inner.Send(descriptor, First(vectors, most)) : Inner.Send(descriptor, vectors);
    }

    /// <inheritdoc/>
    public override int SendUrgent(int descriptor, ReadOnlySpan<byte> data) =>
        Refusal(KernelCall.SendUrgent, descriptor, data.Length, out _) is < 0 and var refusal ? refusal : Inner.SendUrgent(descriptor, data);

    /// <inheritdoc/>
    public override int ReceiveUrgent(int descriptor, Span<byte> buffer) =>
        Refusal(KernelCall.ReceiveUrgent, descriptor, buffer.Length, out _) is < 0 and var refusal ? refusal : Inner.ReceiveUrgent(descriptor, buffer);

    /// <inheritdoc/>
    public override int IsAtMark(int descriptor) =>
        Refusal(KernelCall.IsAtMark, descriptor) is < 0 and var refusal ? refusal : Inner.IsAtMark(descriptor);

    /// <inheritdoc/>
    public override int Shutdown(int descriptor, SocketShutdown how) =>
        Refusal(KernelCall.Shutdown, descriptor) is < 0 and var refusal ? refusal : Inner.Shutdown(descriptor, how);

    /// <inheritdoc/>
    public override int Close(int descriptor)
    {
        var refusal = Refusal(KernelCall.Close, descriptor);

        // Before the number can be another socket's.
        _owed.Forget(descriptor);
        var answer = Inner.Close(descriptor);
        return refusal < 0 ? refusal : answer;
    }

    /// <inheritdoc/>
    public override int SetOption(int descriptor, SocketOption name, int value) =>
        Refusal(KernelCall.SetOption, descriptor) is < 0 and var refusal ? refusal : Inner.SetOption(descriptor, name, value);

    /// <inheritdoc/>
    public override int BindToDevice(int descriptor, string device) =>
        Refusal(KernelCall.BindToDevice, descriptor) is < 0 and var refusal ? refusal : Inner.BindToDevice(descriptor, device);

    /// <inheritdoc/>
    public override int PeerCredentials(int descriptor, out PeerCredentials credentials)
    {
        credentials = default;
        return Refusal(KernelCall.PeerCredentials, descriptor) is < 0 and var refusal ? refusal : Inner.PeerCredentials(descriptor, out credentials);
    }

    /// <inheritdoc/>
    public override int SocketError(int descriptor)
    {
        var refusal = Refusal(KernelCall.SocketError, descriptor);
        if (refusal is -(int)Errno.EINPROGRESS or -(int)Errno.EALREADY) _owed.Owe(descriptor, Readiness.Writable, TimeSpan.Zero);
        if (refusal < 0) return refusal;
        return _owed.IsConnecting(descriptor) ? 0 : Inner.SocketError(descriptor);
    }

    /// <inheritdoc/>
    public override int LocalAddress(int descriptor, SocketAddress address) =>
        Refusal(KernelCall.LocalAddress, descriptor) is < 0 and var refusal ? refusal : Inner.LocalAddress(descriptor, address);

    /// <inheritdoc/>
    public override int PeerAddress(int descriptor, SocketAddress address)
    {
        var refusal = Refusal(KernelCall.PeerAddress, descriptor);
        if (refusal == -(int)Errno.ENOTCONN) _owed.Owe(descriptor, Readiness.Writable, TimeSpan.Zero);
        if (refusal < 0) return refusal;
        return _owed.IsConnecting(descriptor) ? -(int)Errno.ENOTCONN : Inner.PeerAddress(descriptor, address);
    }

    /// <inheritdoc/>
    public override int Unlink(string path)
    {
        var refusal = Refusal(KernelCall.Unlink);
        var answer = Inner.Unlink(path);
        return refusal < 0 ? refusal : answer;
    }

    /// <inheritdoc/>
    public override int SetMode(string path, UnixFileMode mode) =>
        Refusal(KernelCall.SetMode) is < 0 and var refusal ? refusal : Inner.SetMode(path, mode);

    /// <inheritdoc/>
    public override int SetOwner(string path, int userId, int groupId) =>
        Refusal(KernelCall.SetOwner) is < 0 and var refusal ? refusal : Inner.SetOwner(path, userId, groupId);

    /// <inheritdoc/>
    public override int IsStaleSocket(string path) => Refusal(KernelCall.IsStaleSocket) is < 0 and var refusal ? refusal : Inner.IsStaleSocket(path);

    /// <inheritdoc/>
    public override int CreatePoller(out Poller? poller)
    {
        poller = null;
        if (Refusal(KernelCall.CreatePoller) is < 0 and var refusal) return refusal;
        var answer = Inner.CreatePoller(out var inner);
        if (inner is not null) poller = new FaultyPoller(inner, _plan, _owed);
        return answer;
    }

    private static ReadOnlySpan<IoVector> First(ReadOnlySpan<IoVector> vectors, int bytes)
    {
        var first = vectors.ToArray();
        var count = 0;
        for (var left = (nuint)bytes; left > 0; count++)
        {
            first[count].Length = nuint.Min(first[count].Length, left);
            left -= first[count].Length;
        }

        return first.AsSpan(0, count);
    }

    private int Refusal(KernelCall call, int descriptor = -1) => -(int)_plan.Next(call, descriptor).Errno;

    // For the calls that may have to wait for their socket.
    private int Refusal(KernelCall call, int descriptor, int length, out int most)
    {
        most = length;
        var verdict = _plan.Next(call, descriptor, length);
        if (verdict.Errno is not (Errno.None or Errno.EAGAIN)) return -(int)verdict.Errno;
        if (_owed.IsWithheld(descriptor, call.Awaited)) return -(int)Errno.EAGAIN;
        if (verdict.Errno == Errno.EAGAIN)
        {
            _owed.Owe(descriptor, call.Awaited, verdict.Delay);
            return -(int)Errno.EAGAIN;
        }

        if (verdict.AtMostBytes is { } bytes && bytes < length)
        {
            most = bytes;
            _owed.Owe(descriptor, call.Awaited, verdict.Delay);
        }

        return 0;
    }

    private bool IsConnected(int descriptor) =>
        Inner.PeerAddress(descriptor, new SocketAddress(AddressFamily.InterNetworkV6, AddressSize)) >= 0;
}
