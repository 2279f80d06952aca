#include "darwin-libc.h"
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

_Atomic unsigned char kept[1 << 16];

static const int errnos[] = {
    [EDEADLK] = DARWIN_EDEADLK, [EAGAIN] = DARWIN_EAGAIN, [EINPROGRESS] = DARWIN_EINPROGRESS, [EALREADY] = DARWIN_EALREADY,
    [ENOTSOCK] = DARWIN_ENOTSOCK, [EDESTADDRREQ] = DARWIN_EDESTADDRREQ, [EMSGSIZE] = DARWIN_EMSGSIZE, [EPROTOTYPE] = DARWIN_EPROTOTYPE,
    [ENOPROTOOPT] = DARWIN_ENOPROTOOPT, [EPROTONOSUPPORT] = DARWIN_EPROTONOSUPPORT, [ESOCKTNOSUPPORT] = DARWIN_ESOCKTNOSUPPORT,
    [EPFNOSUPPORT] = DARWIN_EPFNOSUPPORT, [EAFNOSUPPORT] = DARWIN_EAFNOSUPPORT, [EADDRINUSE] = DARWIN_EADDRINUSE,
    [EADDRNOTAVAIL] = DARWIN_EADDRNOTAVAIL, [ENETDOWN] = DARWIN_ENETDOWN, [ENETUNREACH] = DARWIN_ENETUNREACH, [ENETRESET] = DARWIN_ENETRESET,
    [ECONNABORTED] = DARWIN_ECONNABORTED, [ECONNRESET] = DARWIN_ECONNRESET, [ENOBUFS] = DARWIN_ENOBUFS, [EISCONN] = DARWIN_EISCONN,
    [ENOTCONN] = DARWIN_ENOTCONN, [ESHUTDOWN] = DARWIN_ESHUTDOWN, [ETIMEDOUT] = DARWIN_ETIMEDOUT, [ECONNREFUSED] = DARWIN_ECONNREFUSED,
    [ELOOP] = DARWIN_ELOOP, [ENAMETOOLONG] = DARWIN_ENAMETOOLONG, [EHOSTDOWN] = DARWIN_EHOSTDOWN, [EHOSTUNREACH] = DARWIN_EHOSTUNREACH,
    [ENOTEMPTY] = DARWIN_ENOTEMPTY, [ENOSYS] = DARWIN_ENOSYS, [EOVERFLOW] = DARWIN_EOVERFLOW, [EPROTO] = DARWIN_EPROTO,
    [EOPNOTSUPP] = DARWIN_EOPNOTSUPP,
};

/* The numbers below 35 mean the same on both, but for the two that have a line above; others have to get one. */
int darwin_errno(int linux_errno)
{
    if (linux_errno >= 0 && linux_errno < (int)(sizeof errnos / sizeof *errnos) && errnos[linux_errno] != 0)
        return errnos[linux_errno];
    if (linux_errno >= EDEADLK)
        abort();
    return linux_errno;
}

int fail(int number)
{
    errno = number;
    return -1;
}

long answer(long linux_answer)
{
    return linux_answer < 0 ? fail(darwin_errno(errno)) : linux_answer;
}

static long linux_option(int socket, int level, int name)
{
    int value = 0;
    socklen_t size = sizeof value;
    return LINUX(getsockopt, socket, level, name, &value, &size) < 0 ? -1 : value;
}

/* Addresses, names and files */

MACOS(int, bind, int socket, const void *address, socklen_t size) { return answer(LINUX(bind, socket, address, size)); }
MACOS(int, listen, int socket, int backlog) { return answer(LINUX(listen, socket, backlog)); }
/* An unnamed socket has an empty name of fourteen bytes; on Linux it has none. */
static void named(struct sockaddr *address, socklen_t *size)
{
    if (*size != sizeof address->sa_family || address->sa_family != AF_UNIX)
        return;
    memset(address->sa_data, 0, sizeof address->sa_data);
    *size = sizeof *address;
}

MACOS(int, getsockname, int socket, void *address, socklen_t *size)
{
    long answered = answer(LINUX(getsockname, socket, address, size));
    if (answered >= 0)
        named(address, size);
    return answered;
}

MACOS(int, getpeername, int socket, void *address, socklen_t *size)
{
    long answered = answer(LINUX(getpeername, socket, address, size));
    if (answered >= 0)
        named(address, size);
    return answered;
}

MACOS(int, unlink, const char *path) { return answer(LINUX(unlinkat, AT_FDCWD, path, 0)); }
MACOS(int, chmod, const char *path, mode_t mode) { return answer(LINUX(fchmodat, AT_FDCWD, path, mode)); }
MACOS(int, chown, const char *path, uid_t owner, gid_t group) { return answer(LINUX(fchownat, AT_FDCWD, path, owner, group, 0)); }

/* A local connect that finds the listener's queue full is refused; on Linux it would have to wait. */
MACOS(int, connect, int socket, const struct sockaddr *address, socklen_t size)
{
    long connected = LINUX(connect, socket, address, size);
    if (connected < 0 && errno == EAGAIN && address->sa_family == AF_UNIX)
        return fail(DARWIN_ECONNREFUSED);
    return answer(connected);
}

MACOS(unsigned, if_nametoindex, const char *name)
{
    struct ifreq request = {0};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    int any = LINUX(socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    long found = LINUX(ioctl, any, SIOCGIFINDEX, &request);
    LINUX(close, any);
    return found < 0 ? 0 : request.ifr_ifindex;
}

static int status_of(const char *path, uint8_t *status, size_t size, size_t mode_at)
{
    struct stat found;
    if (LINUX(newfstatat, AT_FDCWD, path, &found, AT_SYMLINK_NOFOLLOW) < 0)
        return answer(-1);
    memset(status, 0xff, size);
    memcpy(status + mode_at, &(uint16_t){found.st_mode}, sizeof(uint16_t));
    return 0;
}

/* On x64 the plain name is that of the older structure, whose inodes have 32 bits. */
#ifdef __x86_64__
int status_with_long_inodes(const char *path, uint8_t *status) __asm__("lstat$INODE64");
int status_with_long_inodes(const char *path, uint8_t *status) { return status_of(path, status, 144, 4); }
MACOS(int, lstat, const char *path, uint8_t *status) { return status_of(path, status, 96, 8); }
#else
MACOS(int, lstat, const char *path, uint8_t *status) { return status_of(path, status, 144, 4); }
#endif

/* Descriptors. On arm64 what is variadic lies on the stack, behind what eight registers hold. */

#ifdef __aarch64__
#define REGISTERS long x2, long x3, long x4, long x5, long x6, long x7,
#else
#define REGISTERS
#endif

MACOS(int, fcntl, int descriptor, int operation, REGISTERS long argument)
{
    if (operation == DARWIN_F_SETFD)
        return answer(LINUX(fcntl, descriptor, F_SETFD, argument & DARWIN_FD_CLOEXEC ? FD_CLOEXEC : 0));
    if (operation != DARWIN_F_GETFL && operation != DARWIN_F_SETFL)
        return fail(DARWIN_EINVAL);

    long flags = LINUX(fcntl, descriptor, F_GETFL, 0);
    if (flags < 0)
        return answer(flags);
    if (operation == DARWIN_F_GETFL)
        return DARWIN_O_RDWR | (flags & O_NONBLOCK ? DARWIN_O_NONBLOCK : 0);
    return answer(LINUX(fcntl, descriptor, F_SETFL, argument & DARWIN_O_NONBLOCK ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

MACOS(int, ioctl, int descriptor, unsigned long operation, REGISTERS int *argument)
{
    return operation == DARWIN_SIOCATMARK ? answer(LINUX(ioctl, descriptor, SIOCATMARK, argument)) : fail(DARWIN_ENOTTY);
}

/* Sockets: no flags beside the type, and what is accepted is as its listener is, but for FD_CLOEXEC. */

MACOS(int, socket, int domain, int type, int protocol)
{
    int family = domain == DARWIN_AF_INET ? AF_INET : domain == DARWIN_AF_INET6 ? AF_INET6 : domain == DARWIN_AF_UNIX ? AF_UNIX : -1;
    if (family < 0)
        return fail(DARWIN_EAFNOSUPPORT);
    if ((type != DARWIN_SOCK_STREAM && type != DARWIN_SOCK_DGRAM) || protocol != 0)
        return fail(DARWIN_EPROTONOSUPPORT);
    long made = LINUX(socket, family, type == DARWIN_SOCK_STREAM ? SOCK_STREAM : SOCK_DGRAM, 0);
    if (made >= 0)
        KEPT(made) = 0;
    return answer(made);
}

MACOS(int, accept, int socket, void *address, socklen_t *size)
{
    long flags = LINUX(fcntl, socket, F_GETFL, 0);
    long accepted = flags < 0 ? flags : LINUX(accept4, socket, address, size, flags & O_NONBLOCK ? SOCK_NONBLOCK : 0);
    if (accepted < 0)
        return answer(accepted);

    /* A client of IPv6 that is gone already has no address any more, and is handed out all the same. */
    struct sockaddr_storage peer;
    socklen_t room = sizeof peer;
    KEPT(accepted) = KEPT(socket) & (NO_SIGPIPE | MAY_SET_WHEN_SHUT);
    if (((struct sockaddr *)address)->sa_family == AF_INET6 && LINUX(getpeername, accepted, &peer, &room) < 0)
        *size = 0;
    named(address, size);
    return accepted;
}

MACOS(ssize_t, recv, int socket, void *bytes, size_t size, int flags)
{
    if (flags & ~(DARWIN_MSG_OOB | DARWIN_MSG_PEEK))
        return fail(DARWIN_EINVAL);
    return answer(LINUX(recvfrom, socket, bytes, size, (flags & DARWIN_MSG_OOB ? MSG_OOB : 0) | (flags & DARWIN_MSG_PEEK ? MSG_PEEK : 0), NULL, NULL));
}

/* The runtime ignores SIGPIPE. Here it ends the process, or nobody would notice that SO_NOSIGPIPE is missing. */
static long sent(int socket, long count)
{
    if (count < 0 && errno == EPIPE && !(KEPT(socket) & NO_SIGPIPE)) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    return answer(count);
}

MACOS(ssize_t, send, int socket, const void *bytes, size_t size, int flags)
{
    if (flags & ~DARWIN_MSG_OOB)
        return fail(DARWIN_EINVAL);
    return sent(socket, LINUX(sendto, socket, bytes, size, MSG_NOSIGNAL | (flags & DARWIN_MSG_OOB ? MSG_OOB : 0), NULL, 0));
}

MACOS(ssize_t, writev, int socket, struct iovec *pieces, int count)
{
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
    return sent(socket, LINUX(sendmsg, socket, &message, MSG_NOSIGNAL));
}

/* What is shut already is not connected; then nothing is shut. */
MACOS(int, shutdown, int socket, int how)
{
    int shut = (how != SHUT_WR ? RECEIVE_IS_SHUT : 0) | (how != SHUT_RD ? SEND_IS_SHUT : 0);
    if (KEPT(socket) & shut)
        return fail(DARWIN_ENOTCONN);
    long answered = LINUX(shutdown, socket, how);
    if (answered >= 0)
        KEPT(socket) |= shut;
    return answer(answered);
}

/* Options */

static const struct option { int level, name, linux_level, linux_name; } options[] = {
    {DARWIN_SOL_SOCKET, DARWIN_SO_ACCEPTCONN, SOL_SOCKET, SO_ACCEPTCONN},
    {DARWIN_SOL_SOCKET, DARWIN_SO_REUSEADDR, SOL_SOCKET, SO_REUSEADDR},
    {DARWIN_SOL_SOCKET, DARWIN_SO_KEEPALIVE, SOL_SOCKET, SO_KEEPALIVE},
    {DARWIN_SOL_SOCKET, DARWIN_SO_DONTROUTE, SOL_SOCKET, SO_DONTROUTE},
    {DARWIN_SOL_SOCKET, DARWIN_SO_OOBINLINE, SOL_SOCKET, SO_OOBINLINE},
    {DARWIN_SOL_SOCKET, DARWIN_SO_REUSEPORT, SOL_SOCKET, SO_REUSEPORT},
    {DARWIN_SOL_SOCKET, DARWIN_SO_SNDBUF, SOL_SOCKET, SO_SNDBUF},
    {DARWIN_SOL_SOCKET, DARWIN_SO_RCVBUF, SOL_SOCKET, SO_RCVBUF},
    {DARWIN_SOL_SOCKET, DARWIN_SO_ERROR, SOL_SOCKET, SO_ERROR},
    {DARWIN_SOL_SOCKET, DARWIN_SO_LINGER_SEC, SOL_SOCKET, SO_LINGER},
    {DARWIN_SOL_SOCKET, DARWIN_SO_NOSIGPIPE, -1, NO_SIGPIPE},
    {DARWIN_SOL_SOCKET, DARWIN_SO_NP_EXTENSIONS, -1, MAY_SET_WHEN_SHUT},
    {DARWIN_IPPROTO_IP, DARWIN_IP_TOS, IPPROTO_IP, IP_TOS},
    {DARWIN_IPPROTO_IP, DARWIN_IP_BOUND_IF, SOL_SOCKET, SO_BINDTODEVICE},
    {DARWIN_IPPROTO_IPV6, DARWIN_IPV6_V6ONLY, IPPROTO_IPV6, IPV6_V6ONLY},
    {DARWIN_IPPROTO_IPV6, DARWIN_IPV6_TCLASS, IPPROTO_IPV6, IPV6_TCLASS},
    {DARWIN_IPPROTO_IPV6, DARWIN_IPV6_BOUND_IF, SOL_SOCKET, SO_BINDTODEVICE},
    {DARWIN_IPPROTO_TCP, DARWIN_TCP_NODELAY, IPPROTO_TCP, TCP_NODELAY},
    {DARWIN_IPPROTO_TCP, DARWIN_TCP_KEEPALIVE, IPPROTO_TCP, TCP_KEEPIDLE},
    {DARWIN_IPPROTO_TCP, DARWIN_TCP_KEEPINTVL, IPPROTO_TCP, TCP_KEEPINTVL},
    {DARWIN_IPPROTO_TCP, DARWIN_TCP_KEEPCNT, IPPROTO_TCP, TCP_KEEPCNT},
    {DARWIN_IPPROTO_TCP, DARWIN_TCP_RXT_CONNDROPTIME, IPPROTO_TCP, TCP_USER_TIMEOUT},
    {DARWIN_IPPROTO_TCP, DARWIN_TCP_FASTOPEN, IPPROTO_TCP, TCP_FASTOPEN},
};

/* The option, or null with errno set: a family minds its own level alone, whichever the other one means. */
static const struct option *option_of(int socket, int level, int name)
{
    long family = linux_option(socket, SOL_SOCKET, SO_DOMAIN);
    if (family < 0) {
        answer(-1);
        return NULL;
    }

    int own = family == AF_INET ? DARWIN_IPPROTO_IP : family == AF_INET6 ? DARWIN_IPPROTO_IPV6 : DARWIN_SOL_LOCAL;
    if (level != DARWIN_SOL_SOCKET && level != own && (level != DARWIN_IPPROTO_TCP || family == AF_UNIX)) {
        fail(DARWIN_EINVAL);
        return NULL;
    }

    const struct option *end = options + sizeof options / sizeof *options;
    for (const struct option *option = options; option < end && (family != AF_UNIX || level == DARWIN_SOL_SOCKET); option++)
        if (option->level == level && option->name == name)
            return option;
    fail(family == AF_UNIX && level != DARWIN_SOL_SOCKET ? DARWIN_EOPNOTSUPP : DARWIN_ENOPROTOOPT);
    return NULL;
}

static int bind_to(int socket, int index)
{
    struct ifreq request = {.ifr_ifindex = index};
    if (LINUX(ioctl, socket, SIOCGIFNAME, &request) < 0)
        return answer(-1);
    return answer(LINUX(setsockopt, socket, SOL_SOCKET, SO_BINDTODEVICE, request.ifr_name, strlen(request.ifr_name)));
}

MACOS(int, setsockopt, int socket, int level, int name, const int *value, socklen_t size)
{
    const struct option *option = option_of(socket, level, name);
    if (option == NULL)
        return -1;
    if (size < (option->linux_name == SO_LINGER && option->linux_level == SOL_SOCKET ? sizeof(struct linger) : sizeof *value))
        return fail(DARWIN_EINVAL);

    int shut = RECEIVE_IS_SHUT | SEND_IS_SHUT;
    if ((KEPT(socket) & shut) == shut && !(KEPT(socket) & MAY_SET_WHEN_SHUT))
        return fail(DARWIN_EINVAL);

    int number = *value;
    if (option->linux_level == -1) {
        /* The second is two numbers: flags, and which of them are meant. */
        if (option->linux_name == MAY_SET_WHEN_SHUT && (size < 2 * sizeof *value || value[1] != DARWIN_SONPX_SETOPTSHUT))
            return fail(DARWIN_EINVAL);
        if (number)
            KEPT(socket) |= option->linux_name;
        else
            KEPT(socket) &= ~option->linux_name;
        return 0;
    }

    if (option->linux_level == SOL_SOCKET && option->linux_name == SO_BINDTODEVICE)
        return bind_to(socket, number);
    if (option->linux_level != IPPROTO_TCP)
        return answer(LINUX(setsockopt, socket, option->linux_level, option->linux_name, value, size));

    /* On or off, of one that listens already. */
    if (option->linux_name == TCP_FASTOPEN && (number < 0 || number > 1 || linux_option(socket, SOL_SOCKET, SO_ACCEPTCONN) == 0))
        return fail(DARWIN_EINVAL);
    if (option->linux_name == TCP_USER_TIMEOUT)
        number *= 1000;
    return answer(LINUX(setsockopt, socket, IPPROTO_TCP, option->linux_name, &number, sizeof number));
}

/* Of those that can be set, nobody asks. */
MACOS(int, getsockopt, int socket, int level, int name, int *value, socklen_t *size)
{
    struct ucred peer;
    socklen_t room = sizeof peer;
    if (level == DARWIN_SOL_LOCAL && name == DARWIN_LOCAL_PEERPID && linux_option(socket, SOL_SOCKET, SO_DOMAIN) == AF_UNIX) {
        long answered = LINUX(getsockopt, socket, SOL_SOCKET, SO_PEERCRED, &peer, &room);
        *value = peer.pid;
        return answered < 0 ? answer(answered) : peer.pid == 0 ? fail(DARWIN_ENOTCONN) : 0;
    }

    const struct option *option = option_of(socket, level, name);
    if (option == NULL)
        return -1;
    if (option->linux_level != SOL_SOCKET || (option->linux_name != SO_ERROR && option->linux_name != SO_ACCEPTCONN))
        return fail(DARWIN_ENOPROTOOPT);
    long answered = LINUX(getsockopt, socket, SOL_SOCKET, option->linux_name, value, size);
    if (answered >= 0 && option->linux_name == SO_ERROR)
        *value = darwin_errno(*value);
    return answer(answered);
}

MACOS(int, getpeereid, int socket, uid_t *user, gid_t *group)
{
    struct ucred peer;
    socklen_t room = sizeof peer;
    if (LINUX(getsockopt, socket, SOL_SOCKET, SO_PEERCRED, &peer, &room) < 0)
        return answer(-1);
    *user = peer.uid;
    *group = peer.gid;
    return peer.pid == 0 ? fail(DARWIN_ENOTCONN) : 0;
}
