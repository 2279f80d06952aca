namespace Reactor.Tests.Fixtures;

/// <summary>
/// A socket's send buffer under the test's hands: it takes as many bytes as it was given room for and answers EAGAIN
/// beyond, and tells of new room by an event, as the kernel does.
/// </summary>
internal sealed class Faucet
{
    private readonly ScriptedKernel _kernel;
    private readonly SpuriousEvents _events;
    private int _room = int.MaxValue;

    public Faucet(ScriptedKernel kernel)
    {
        _kernel = kernel;
        _events = new SpuriousEvents(kernel);
        kernel.OnSend = Send;
        kernel.OnGather = Gather;
    }

    /// <summary>Sets how much is taken from now on, and has the loop told that there is room.</summary>
    public void Give(EventLoop loop, int room)
    {
        Volatile.Write(ref _room, room);
        _events.Give(Readiness.Writable);
        loop.Post(static () => { });
    }

    public void Close() => Volatile.Write(ref _room, 0);

    private int Send(int descriptor, ReadOnlySpan<byte> data)
    {
        if (_room == 0)
            return -(int)Errno.EAGAIN;
        return Taken(_kernel.Real.Send(descriptor, data[..Math.Min(_room, data.Length)]));
    }

    private int Gather(int descriptor, ReadOnlySpan<IoVector> vectors)
    {
        // Only a piece at a time, which a real socket may do as well.
        var first = vectors[0];
        unsafe
        {
            return Send(descriptor, new ReadOnlySpan<byte>(first.Base, (int)first.Length));
        }
    }

    private int Taken(int sent)
    {
        if (sent > 0 && _room != int.MaxValue)
            _room -= sent;
        return sent;
    }
}
