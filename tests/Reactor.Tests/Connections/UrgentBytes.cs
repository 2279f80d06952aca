using System.Buffers.Binary;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Urgent data at the raw end of a connection.</summary>
internal static class UrgentBytes
{
    private const int IPPROTO_TCP = 6;
    private const int TCP_INFO = 11;

    // tcp_info.tcpi_unacked: eight bytes of state and options, then rto, ato, snd_mss, rcv_mss.
    private const int UnackedOffset = 24;

    /// <summary>Sends one byte with <c>MSG_OOB</c>.</summary>
    public static void SendUrgent(this RawPeer peer, char value) =>
        Assert.That(Kernel.System.SendUrgent((int)peer.Socket.Handle, [(byte)value]), Is.EqualTo(1));

    /// <summary>The urgent byte, once it is here.</summary>
    public static async Task<char> ReceiveUrgent(this RawPeer peer)
    {
        var one = new byte[1];
        await Until.True(() => Kernel.System.ReceiveUrgent((int)peer.Socket.Handle, one) == 1);
        return (char)one[0];
    }

    public static bool IsAtMark(this RawPeer peer) => Kernel.System.IsAtMark((int)peer.Socket.Handle) == 1;

    /// <summary>Done when the other end's system has acknowledged all that the peer has sent.</summary>
    public static Task AllArrived(this RawPeer peer)
    {
        var info = new byte[UnackedOffset + sizeof(uint)];
        return Until.True(() =>
        {
            peer.Socket.GetRawSocketOption(IPPROTO_TCP, TCP_INFO, info);
            return BinaryPrimitives.ReadUInt32LittleEndian(info.AsSpan(UnackedOffset)) == 0;
        });
    }

    /// <summary>Reads to the end in small pieces, as a slow reader does, and notes how far it was when it stood at the mark.</summary>
    public static (byte[] Bytes, int Mark) ReadSlowlyToEnd(this RawPeer peer, int piece)
    {
        using var all = new MemoryStream();
        var buffer = new byte[piece];
        var mark = -1;
        while (true)
        {
            // Not before bytes are here: a mark may come with the next of them.
            peer.Socket.Poll(Until.Limit, System.Net.Sockets.SelectMode.SelectRead);
            if (mark < 0 && peer.IsAtMark())
                mark = (int)all.Length;
            var count = peer.Read(buffer);
            if (count == 0)
                return (all.ToArray(), mark);
            all.Write(buffer, 0, count);
        }
    }

    /// <summary>As many ordinary bytes as certainly fit into a receive buffer of four megabytes, or of the system's limit on it where that is less.</summary>
    public static async Task<int> MostUnread()
    {
        var limit = int.Parse(await File.ReadAllTextAsync("/proc/sys/net/core/rmem_max"), System.Globalization.CultureInfo.InvariantCulture);
        return Math.Min(1_000_000, limit / 4);
    }
}
