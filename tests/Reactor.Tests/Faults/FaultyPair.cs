using System.Net;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A connected socket behind a faulty kernel whose clock the test can move, its poller, and the peer.</summary>
internal sealed class FaultyPair : IDisposable
{
    /// <summary>Long enough that nothing comes by itself.</summary>
    public static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public static readonly Token Mine = new(Slot: 5, Generation: 3);

    private readonly List<int> _sockets = [];

    public FaultyPair()
    {
        Kernel = new FaultyKernel(Clock);
        Assert.That(Kernel.CreatePoller(out var poller), Is.Zero);
        Poller = poller!;
        Listener = RawListener.Start();
        Near = NewSocket();
        Assert.That(Kernel.Inner.Connect(Near, Listener.LocalEndPoint.Serialize()), Is.Zero.Or.EqualTo(-(int)Errno.EINPROGRESS));
        Far = Listener.Accept();
        Assert.That(Poller.Add(Near, Mine), Is.Zero);
        Assert.That(WaitFor(Readiness.Writable), Is.EqualTo(Readiness.Writable));
    }

    public ScriptedKernel Clock { get; } = new();

    public FaultyKernel Kernel { get; }

    public Poller Poller { get; }

    public RawListener Listener { get; }

    public int Near { get; }

    public RawPeer Far { get; }

    /// <summary>Closed at the end.</summary>
    public int NewSocket(AddressFamily family = AddressFamily.InterNetwork)
    {
        var descriptor = Kernel.Inner.Socket(family);
        Assert.That(descriptor, Is.GreaterThanOrEqualTo(0));
        _sockets.Add(descriptor);
        return descriptor;
    }

    /// <summary>For a descriptor that the test closes itself.</summary>
    public void Forget(int descriptor) => _sockets.Remove(descriptor);

    public int Connect(int descriptor) => Kernel.Connect(descriptor, Listener.LocalEndPoint.Serialize());

    public int PeerAddress(int descriptor) => Kernel.PeerAddress(descriptor, new SocketAddress(AddressFamily.InterNetworkV6, Reactor.Kernel.AddressSize));

    /// <summary>What one wait tells, without waiting.</summary>
    public PollEvent[] Pending(int room = 8)
    {
        var events = new PollEvent[room];
        var count = Poller.Wait(events, 0);
        Assert.That(count, Is.GreaterThanOrEqualTo(0));
        return events[..count];
    }

    /// <summary>Waits until an event says this of the near socket, and answers all that it said.</summary>
    public Readiness WaitFor(Readiness wanted)
    {
        var seen = Readiness.None;
        var events = new PollEvent[8];
        var deadline = Reactor.Kernel.System.Timestamp + (Until.Limit.Ticks * TimeSpan.NanosecondsPerTick);
        while ((seen & wanted) != wanted)
        {
            Assert.That(Reactor.Kernel.System.Timestamp, Is.LessThan(deadline), $"{wanted} does not come, only {seen}.");
            var count = Poller.Wait(events, 1000);
            for (var i = 0; i < count; i++)
                seen |= events[i].Readiness;
        }

        return seen;
    }

    /// <summary>Done when bytes from the peer are here; not through the poller, whose edge this leaves alone.</summary>
    public void Send(string text)
    {
        Far.Send(text);
        Assert.That(Until.Holds(() => Kernel.Inner.Peek(Near, new byte[text.Length]) == text.Length, Until.Limit), Is.True);
    }

    public void Dispose()
    {
        Poller.Dispose();
        foreach (var descriptor in _sockets)
            Kernel.Inner.Close(descriptor);
        Far.Dispose();
        Listener.Dispose();
    }
}
