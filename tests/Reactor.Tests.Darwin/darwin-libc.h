/*
 * A libc that speaks macOS to its caller and Linux to the system: the calls that DarwinKernel makes, under macOS's names, with
 * its numbers and its answers, as xnu gives them. A number that macOS does not know is refused as macOS refuses it. Socket
 * addresses alone are Linux's, both ways: the runtime makes and reads them, and here it is Linux's runtime.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of macOS's headers, with which a test compares them. */
enum {
    DARWIN_AF_UNIX = 1, DARWIN_AF_INET = 2, DARWIN_AF_INET6 = 30,
    DARWIN_SOCK_STREAM = 1, DARWIN_SOCK_DGRAM = 2,
    DARWIN_SOL_SOCKET = 0xffff, DARWIN_SOL_LOCAL = 0, DARWIN_LOCAL_PEERPID = 2,
    DARWIN_SO_ACCEPTCONN = 0x0002, DARWIN_SO_REUSEADDR = 0x0004, DARWIN_SO_KEEPALIVE = 0x0008, DARWIN_SO_DONTROUTE = 0x0010,
    DARWIN_SO_OOBINLINE = 0x0100, DARWIN_SO_REUSEPORT = 0x0200, DARWIN_SO_SNDBUF = 0x1001, DARWIN_SO_RCVBUF = 0x1002,
    DARWIN_SO_ERROR = 0x1007, DARWIN_SO_NOSIGPIPE = 0x1022, DARWIN_SO_LINGER_SEC = 0x1080,
    DARWIN_SO_NP_EXTENSIONS = 0x1083, DARWIN_SONPX_SETOPTSHUT = 1,
    DARWIN_IPPROTO_IP = 0, DARWIN_IP_TOS = 3, DARWIN_IP_BOUND_IF = 25,
    DARWIN_IPPROTO_TCP = 6, DARWIN_TCP_NODELAY = 0x01, DARWIN_TCP_KEEPALIVE = 0x10, DARWIN_TCP_RXT_CONNDROPTIME = 0x80,
    DARWIN_TCP_KEEPINTVL = 0x101, DARWIN_TCP_KEEPCNT = 0x102, DARWIN_TCP_FASTOPEN = 0x105,
    DARWIN_IPPROTO_IPV6 = 41, DARWIN_IPV6_V6ONLY = 27, DARWIN_IPV6_TCLASS = 36, DARWIN_IPV6_BOUND_IF = 125,
    DARWIN_MSG_OOB = 0x1, DARWIN_MSG_PEEK = 0x2,
    DARWIN_SIOCATMARK = 0x40047307,
    DARWIN_F_SETFD = 2, DARWIN_F_GETFL = 3, DARWIN_F_SETFL = 4, DARWIN_FD_CLOEXEC = 1, DARWIN_O_RDWR = 0x2, DARWIN_O_NONBLOCK = 0x4,
    DARWIN_EVFILT_READ = -1, DARWIN_EVFILT_WRITE = -2, DARWIN_EVFILT_USER = -10, DARWIN_EVFILT_EXCEPT = -15,
    DARWIN_EV_RECEIPT = 0x0040, DARWIN_EV_ERROR = 0x4000, DARWIN_EV_EOF = 0x8000,
};

enum {
    DARWIN_EDEADLK = 11, DARWIN_EINVAL = 22, DARWIN_ENOTTY = 25, DARWIN_EAGAIN = 35, DARWIN_EINPROGRESS = 36, DARWIN_EALREADY = 37,
    DARWIN_ENOTSOCK = 38, DARWIN_EDESTADDRREQ = 39, DARWIN_EMSGSIZE = 40, DARWIN_EPROTOTYPE = 41, DARWIN_ENOPROTOOPT = 42,
    DARWIN_EPROTONOSUPPORT = 43, DARWIN_ESOCKTNOSUPPORT = 44, DARWIN_EPFNOSUPPORT = 46, DARWIN_EAFNOSUPPORT = 47,
    DARWIN_EADDRINUSE = 48, DARWIN_EADDRNOTAVAIL = 49, DARWIN_ENETDOWN = 50, DARWIN_ENETUNREACH = 51, DARWIN_ENETRESET = 52,
    DARWIN_ECONNABORTED = 53, DARWIN_ECONNRESET = 54, DARWIN_ENOBUFS = 55, DARWIN_EISCONN = 56, DARWIN_ENOTCONN = 57,
    DARWIN_ESHUTDOWN = 58, DARWIN_ETIMEDOUT = 60, DARWIN_ECONNREFUSED = 61, DARWIN_ELOOP = 62, DARWIN_ENAMETOOLONG = 63,
    DARWIN_EHOSTDOWN = 64, DARWIN_EHOSTUNREACH = 65, DARWIN_ENOTEMPTY = 66, DARWIN_ENOSYS = 78, DARWIN_EOVERFLOW = 84,
    DARWIN_EPROTO = 100, DARWIN_EOPNOTSUPP = 102,
};

/* Linux's errno as macOS's. */
int darwin_errno(int linux_errno);

/* errno is this number of macOS's; answers -1. */
int fail(int number);

/* What a call of Linux's answered, with macOS's errno. */
long answer(long linux_answer);

/* The functions have names of their own here, or they would be taken for those of the libc below. */
#define MACOS(type, name, ...) \
    type darwin_##name(__VA_ARGS__) __asm__(#name); \
    type darwin_##name(__VA_ARGS__)

#define LINUX(name, ...) syscall(SYS_##name, __VA_ARGS__)

/* What Linux does not keep of a descriptor. */
enum { NO_SIGPIPE = 1, RECEIVE_IS_SHUT = 2, SEND_IS_SHUT = 4, IS_KQUEUE = 8, MAY_SET_WHEN_SHUT = 16 };
extern _Atomic unsigned char kept[1 << 16];

#define KEPT(descriptor) kept[(uint16_t)(descriptor)]
