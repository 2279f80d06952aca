using System.Buffers;

namespace Reactor.Load;

/// <summary>
/// Compares one reply with what was expected, in the pieces in which it comes, so that no piece has to be kept.
/// Bytes that follow the reply at once make it a wrong one, for nothing was sent that they could answer.
/// </summary>
internal struct ReplyCheck
{
    private int _received;
    private bool _isRight;
    private bool _isOther;

    public void Begin() => (_received, _isRight, _isOther) = (0, true, true);

    public readonly bool IsRight => _isRight;

    public readonly bool IsOther => !_isRight && _isOther;

    /// <summary>Takes all of a piece and tells whether the reply is complete.</summary>
    public bool Take(in ReadOnlySequence<byte> piece, ExpectedReply expected)
    {
        foreach (var segment in piece)
        {
            var bytes = segment.Span;
            var fits = bytes.Length <= expected.Bytes.Length - _received;
            _isRight = _isRight && fits && bytes.SequenceEqual(expected.Bytes.Span.Slice(_received, bytes.Length));
            _isOther = _isOther && fits && bytes.SequenceEqual(expected.Other.Span.Slice(_received, bytes.Length));
            // More than was expected is as good as complete, and the count must not run over with a talkative server.
            _received = fits ? _received + bytes.Length : expected.Bytes.Length;
        }
        return _received == expected.Bytes.Length;
    }
}
