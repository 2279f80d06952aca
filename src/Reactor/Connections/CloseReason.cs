namespace Reactor;

/// <summary>Why a connection ended. The first reason wins.</summary>
public enum CloseReason
{
    /// <summary>It has not ended.</summary>
    None,

    /// <summary>We closed it, the peer still being there.</summary>
    ClosedLocally,

    /// <summary>The peer had ended its sending side, and then we closed.</summary>
    ClosedByPeer,

    /// <summary>The peer reset it: <c>ECONNRESET</c> or <c>EPIPE</c>.</summary>
    Reset,

    /// <summary><see cref="Connection.Abort"/> was called.</summary>
    Aborted,

    /// <summary>Its handler threw.</summary>
    HandlerFailed,

    /// <summary>Nothing was received or sent for <see cref="ConnectionOptions.IdleTimeout"/>.</summary>
    IdleTimeout,

    /// <summary>An accepted connection sent nothing for <see cref="ListenOptions.FirstByteTimeout"/>.</summary>
    FirstByteTimeout,

    /// <summary>The peer took nothing of what waited to be sent for <see cref="ConnectionOptions.WriteTimeout"/>.</summary>
    WriteTimeout,

    /// <summary>More than <see cref="ConnectionOptions.MaxUnsentBytes"/> were written and not taken by the system.</summary>
    SendLimit,

    /// <summary>The peer did not take what was flushed within <see cref="ConnectionOptions.CloseTimeout"/>.</summary>
    CloseTimeout,

    /// <summary>The loop ended.</summary>
    LoopStopped,

    /// <summary>The system gave up on it, with another errno than a reset's: <c>ETIMEDOUT</c>, <c>EHOSTUNREACH</c>.</summary>
    Failed,
}

/// <summary>The reasons by kind.</summary>
internal static class CloseReasonKinds
{
    extension(CloseReason reason)
    {
        /// <summary>Whether one of the options' limits was reached.</summary>
        internal bool IsLimit => reason is CloseReason.IdleTimeout or CloseReason.FirstByteTimeout or CloseReason.WriteTimeout
            or CloseReason.SendLimit or CloseReason.CloseTimeout;
    }
}
