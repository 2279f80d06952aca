namespace Reactor.Load;

/// <summary>What a plan's message must be answered with, and what a mistaken expectation would have wanted instead.</summary>
internal sealed class ExpectedReply
{
    public ExpectedReply(ReadOnlyMemory<byte> message, ReplyExpectation expect)
    {
        var uppercase = new byte[message.Length];
        // Bytes outside ASCII stay as they are, as they do in the uppercase server.
        for (var i = 0; i < uppercase.Length; i++)
            uppercase[i] = (byte)(message.Span[i] is var letter and >= (byte)'a' and <= (byte)'z' ? letter & ~0x20 : message.Span[i]);

        (Bytes, Other, OtherExpectation) = expect == ReplyExpectation.Echo
            ? (message, (ReadOnlyMemory<byte>)uppercase, ReplyExpectation.Uppercase)
            : (uppercase, message, ReplyExpectation.Echo);
    }

    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The reply of the server that was perhaps meant: a wrong reply that equals it is worth a hint.</summary>
    public ReadOnlyMemory<byte> Other { get; }

    public ReplyExpectation OtherExpectation { get; }
}
