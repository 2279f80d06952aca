namespace Reactor.Tests.Fixtures;

/// <summary>A table of descriptors with some places left, as Linux keeps it: its answers to a loop that runs on the kernel.</summary>
internal sealed class ScriptedDescriptorTable : IDisposable
{
    private readonly ScriptedKernel _kernel;
    private int _free;

    public ScriptedDescriptorTable(ScriptedKernel kernel, int free)
    {
        _kernel = kernel;
        _free = free;
        kernel.OnSocket = family => Take(() => kernel.Real.Socket(family));
        kernel.OnAccept = (descriptor, peer) => Take(() => kernel.Real.Accept(descriptor, peer));
        kernel.OnClose = Close;
    }

    /// <summary>There is room for all again.</summary>
    public void Dispose()
    {
        _kernel.OnSocket = null;
        _kernel.OnAccept = null;
        _kernel.OnClose = null;
    }

    private int Take(Func<int> call)
    {
        // Linux takes the descriptor before it looks whether somebody waits.
        if (Interlocked.Decrement(ref _free) < 0)
        {
            Interlocked.Increment(ref _free);
            return -(int)Errno.EMFILE;
        }

        var answer = call();
        if (answer < 0)
            Interlocked.Increment(ref _free);
        return answer;
    }

    private int Close(int descriptor)
    {
        Interlocked.Increment(ref _free);
        return _kernel.Real.Close(descriptor);
    }
}
