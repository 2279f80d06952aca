// The yardstick of the connect storm: a client on epoll as one writes it by hand for speed, one thread, no library.
//
// A connect is five calls: socket, TCP_NODELAY, connect, one registration, edge triggered, that is already the one the
// connection is used with, and SO_ERROR when the poller tells. Whoever ends makes room for the next.
//
// usage: see storm.h

#define _GNU_SOURCE
#include "storm.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

enum { MAX_DESCRIPTORS = 1 << 16, EVENTS_PER_WAIT = 512, LIMIT_MS = 15000 };

// By descriptor: when a connect was begun while it is under way, CONNECTED until it is closed, 0 without one.
enum { CONNECTED = -1 };
static int64_t since[MAX_DESCRIPTORS];
static int poller;
static int begun, under_way;

static void give_up(int fd, const char *reason)
{
    storm_failed(reason);
    since[fd] = 0;
    close(fd);
}

static void begin(const storm_plan *plan)
{
    begun++;
    int64_t start = nanoseconds(CLOCK_MONOTONIC);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || fd >= MAX_DESCRIPTORS)
        fail("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
    if (connect(fd, (const struct sockaddr *) &plan->target, sizeof plan->target) < 0 && errno != EINPROGRESS && errno != EINTR) {
        give_up(fd, strerror(errno));
        return;
    }
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd };
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
        fail("epoll_ctl");
    since[fd] = start;
    under_way++;
}

static void begin_others(const storm_plan *plan)
{
    while (begun < plan->count && under_way < plan->in_flight)
        begin(plan);
}

static void finish(int fd)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        error = errno;
    under_way--;
    if (error != 0) {
        give_up(fd, strerror(error));
        return;
    }
    storm_connected(since[fd]);
    since[fd] = CONNECTED;
}

static void open_all(const storm_plan *plan)
{
    begun = 0;
    begin_others(plan);
    while (under_way > 0) {
        struct epoll_event events[EVENTS_PER_WAIT];
        int count = epoll_wait(poller, events, EVENTS_PER_WAIT, LIMIT_MS);
        if (count < 0 && errno != EINTR)
            fail("epoll_wait");
        if (count == 0) {
            fprintf(stderr, "no connect has ended for %d ms\n", LIMIT_MS);
            exit(1);
        }
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (since[fd] == CONNECTED) {
                if (events[i].events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP))
                    give_up(fd, "the peer has closed");
                continue;
            }
            finish(fd);
            begin_others(plan);
        }
    }
}

static void reset_all(const storm_plan *plan)
{
    (void) plan;
    struct linger reset = { .l_onoff = 1, .l_linger = 0 };
    for (int fd = 0; fd < MAX_DESCRIPTORS; fd++) {
        if (since[fd] == 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
        since[fd] = 0;
    }
}

int main(int argc, char **argv)
{
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        fail("epoll_create1");
    return storm_main(argc, argv, open_all, reset_all);
}
