namespace Reactor.Load;

/// <summary>What a server is expected to answer to a message.</summary>
public enum ReplyExpectation
{
    /// <summary>The message, with its ASCII letters in upper case.</summary>
    Uppercase,

    /// <summary>The message itself.</summary>
    Echo,

    /// <summary>Nothing: no reply is awaited, and what comes is counted and dropped.</summary>
    None,
}
