namespace Reactor;

/// <content>A struct that both bodies take.</content>
internal static unsafe partial class Libc
{
    /// <summary><c>struct msghdr</c> of recvmsg(2), the same on every 64-bit Linux.</summary>
    internal struct MsgHdr
    {
        public void* msg_name;
        public uint msg_namelen;
        public IoVector* msg_iov;
        public nuint msg_iovlen;
        public void* msg_control;
        public nuint msg_controllen;
        public int msg_flags;
    }
}
