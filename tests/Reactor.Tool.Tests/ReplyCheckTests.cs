using System.Buffers;
using System.Text;
using Reactor.Load;

namespace Reactor.Tool.Tests;

public sealed class ReplyCheckTests
{
    [TestCase("HELLO\n", true, false)]
    [TestCase("hello\n", false, true)]
    [TestCase("HELLO ", false, false)]
    [TestCase("HELLO\nX", false, false)]
    [TestCase("hello\nx", false, false)]
    [TestCase("HELLO\nHELLO\nHELLO\n", false, false)]
    public void A_reply_is_compared_byte_for_byte(string reply, bool isRight, bool isOther)
    {
        var expected = new ExpectedReply("hello\n"u8.ToArray(), ReplyExpectation.Uppercase);
        var check = default(ReplyCheck);
        check.Begin();

        Assert.That(check.Take(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(reply)), expected), Is.True, "complete");
        Assert.That((check.IsRight, check.IsOther), Is.EqualTo((isRight, isOther)));
    }

    [TestCase("HELLO\n", true)]
    [TestCase("HELlO\n", false)]
    public void A_reply_may_come_byte_by_byte(string reply, bool isRight)
    {
        var expected = new ExpectedReply("hello\n"u8.ToArray(), ReplyExpectation.Uppercase);
        var check = default(ReplyCheck);
        check.Begin();

        var bytes = Encoding.UTF8.GetBytes(reply);
        var complete = bytes.Select(letter => check.Take(new ReadOnlySequence<byte>([letter]), expected)).ToArray();

        Assert.That(complete, Is.EqualTo((bool[])[false, false, false, false, false, true]));
        Assert.That(check.IsRight, Is.EqualTo(isRight));
    }

    [Test]
    public void A_check_begins_anew_after_a_wrong_reply()
    {
        var expected = new ExpectedReply("a"u8.ToArray(), ReplyExpectation.Echo);
        var check = default(ReplyCheck);
        check.Begin();
        check.Take(new ReadOnlySequence<byte>("bbb"u8.ToArray()), expected);
        check.Begin();
        check.Take(new ReadOnlySequence<byte>("a"u8.ToArray()), expected);

        Assert.That(check.IsRight, Is.True);
    }

    [Test]
    public void Upper_case_leaves_what_is_no_ASCII_letter_as_it_is()
    {
        var expected = new ExpectedReply("az[{é09\n"u8.ToArray(), ReplyExpectation.Uppercase);

        Assert.That(expected.Bytes.ToArray(), Is.EqualTo("AZ[{é09\n"u8.ToArray()));
    }
}
