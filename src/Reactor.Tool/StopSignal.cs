using System.Runtime.InteropServices;

namespace Reactor.Tool;

/// <summary>
/// Ctrl-C and SIGTERM as a token that is cancelled. The second of them ends the process at once: whoever asks twice
/// does not want to wait.
/// </summary>
internal sealed class StopSignal : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;

    public StopSignal()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
    }

    public CancellationToken Token => _stop.Token;

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _stop.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_stop.IsCancellationRequested)
        {
            Terminal.ShowCursor();
            Environment.Exit(ExitCode.Interrupted);
        }
        _stop.Cancel();
    }
}
