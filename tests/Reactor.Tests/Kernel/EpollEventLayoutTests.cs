using System.Runtime.InteropServices;

namespace Reactor.Tests;

[TestFixture]
public sealed class EpollEventLayoutTests
{
    [TestCase(Architecture.X64, 12, 4)]
    [TestCase(Architecture.Arm64, 16, 8)]
    public void An_epoll_event_is_packed_on_x64_alone(Architecture architecture, int size, int dataOffset)
    {
        var layout = EpollEventLayout.For(architecture);

        Assert.That((layout.Size, layout.DataOffset), Is.EqualTo((size, dataOffset)));
    }

    [Test]
    public void A_token_survives_the_64_bits_of_epoll_s_data()
    {
        var token = new Token(Slot: 0xFFFF_FFFE, Generation: 0x8000_0001);

        Assert.That(Token.FromUInt64(token.ToUInt64()), Is.EqualTo(token));
        Assert.That(new Token(1, 2).ToUInt64(), Is.Not.EqualTo(new Token(2, 1).ToUInt64()));
    }
}
