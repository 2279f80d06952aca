// What the connect storm dials: a listener that accepts all as fast as it can and keeps each connection until its peer
// closes it.
//
// It polls without sleeping. Were it asleep in the poller, the client's handshake would have to wake it, and that wake
// is charged to the client's processor time; for the same reason the listener is in no poller.
//
// A connection that sends a byte says that its process has reset all others. It gets the byte back when all these are
// closed here, too, and it does not count as accepted. A reset may have been lost, which nothing repeats, so the sink does
// not wait for any.
//
// usage: storm-sink      prints "ready PORT PID"; for each line on its standard input prints one line of JSON with what it
//                        has accepted so far and the seconds that took; ends when its standard input ends

#define _GNU_SOURCE
#include "epoll-server.h"

static bool is_open[MAX_DESCRIPTORS]; // by descriptor: whether it is a connection
static long long accepted;
static int64_t accepting; // nanoseconds

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}

static void accept_all(int listener)
{
    int64_t start = now();
    int taken = 0;
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            if (fd >= MAX_DESCRIPTORS)
                fail("accept4");
            is_open[fd] = true;
            watch(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
            taken++;
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            fail("accept4");
        }
    }
    if (taken == 0)
        return;
    accepting += now() - start;
    accepted += taken;
}

static void drop(int fd)
{
    close(fd);
    is_open[fd] = false;
}

static void hear(int listener, int fd)
{
    char byte;
    if (!is_open[fd]) // closed by an earlier event of this batch
        return;
    ssize_t received = recv(fd, &byte, 1, 0);
    if (received == 0 || (received < 0 && errno != EAGAIN))
        drop(fd);
    if (received <= 0)
        return;
    accept_all(listener);
    accepted--;
    for (int other = 0; other < MAX_DESCRIPTORS; other++) {
        if (is_open[other] && other != fd)
            drop(other);
    }
    if (send(fd, &byte, 1, MSG_NOSIGNAL) < 0)
        drop(fd);
}

static void answer_runner(void)
{
    leave_when_input_ends();
    printf("{\"accepted\":%lld,\"accepting_seconds\":%.6f}\n", accepted, (double) accepting / 1e9);
    fflush(stdout);
}

int main(void)
{
    int listener = listen_on(0);
    watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN);
    for (;;) {
        accept_all(listener);
        struct epoll_event events[EVENTS_PER_WAIT];
        int count = epoll_wait(poller, events, EVENTS_PER_WAIT, 0);
        if (count < 0 && errno != EINTR)
            fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == STDIN_FILENO)
                answer_runner();
            else
                hear(listener, events[i].data.fd);
        }
    }
}
