// The yardstick of the fan-out: a server on epoll as one writes it by hand, level triggered, one thread, no library. Whatever
// it receives from one connection it sends to all, the sender too.
//
// A chunk is sent to each straight from the buffer that it was received into. What the kernel refuses is queued for that
// receiver, so that one that does not read keeps nobody waiting; one that falls too far behind is dropped.
//
// usage: epoll-fanout      prints "ready PORT PID", ends with SIGTERM or when its standard input ends

#define _GNU_SOURCE
#include "epoll-server.h"

enum { MOST_QUEUED = 1024 * 1024 };

typedef struct {
    bool is_open;
    int place;    // in members
    char *queued; // Set exactly while the kernel has refused bytes: [start, end) are still to be sent.
    size_t start;
    size_t end;
} connection;

static connection connections[MAX_DESCRIPTORS]; // by descriptor
static int members[MAX_DESCRIPTORS];            // descriptors of those that are open, without gaps
static int member_count;
static char chunk[64 * 1024];

// The last member takes its place.
static void drop(int fd)
{
    int last = members[--member_count];
    members[connections[fd].place] = last;
    connections[last].place = connections[fd].place;
    free(connections[fd].queued);
    connections[fd] = (connection) { 0 };
    close(fd);
}

static void accept_all(int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno == EAGAIN)
                return;
            fail("accept4");
        }
        if (fd >= MAX_DESCRIPTORS) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
        connections[fd] = (connection) { .is_open = true, .place = member_count };
        members[member_count++] = fd;
        watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
}

// How much the kernel took; -1 when the connection is broken.
static ssize_t send_some(int fd, const char *data, size_t length)
{
    size_t start = 0;
    while (start < length) {
        ssize_t sent = send(fd, data + start, length - start, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0)
            return -1;
        start += (size_t) sent;
    }
    return (ssize_t) start;
}

static void queue(int fd, const char *data, size_t length)
{
    connection *c = &connections[fd];
    size_t behind = c->end - c->start;
    if (behind + length > MOST_QUEUED) {
        drop(fd);
        return;
    }
    if (c->queued == NULL) {
        c->queued = malloc(MOST_QUEUED);
        if (c->queued == NULL)
            fail("malloc");
        watch(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT);
    } else if (c->end + length > MOST_QUEUED) {
        memmove(c->queued, c->queued + c->start, behind);
        c->start = 0;
        c->end = behind;
    }
    memcpy(c->queued + c->end, data, length);
    c->end += length;
}

static void send_to(int fd, const char *data, size_t length)
{
    if (connections[fd].queued != NULL) {
        queue(fd, data, length);
        return;
    }
    ssize_t sent = send_some(fd, data, length);
    if (sent < 0)
        drop(fd);
    else if ((size_t) sent < length)
        queue(fd, data + sent, length - (size_t) sent);
}

static void catch_up(int fd)
{
    connection *c = &connections[fd];
    ssize_t sent = send_some(fd, c->queued + c->start, c->end - c->start);
    if (sent < 0) {
        drop(fd);
        return;
    }
    c->start += (size_t) sent;
    if (c->start < c->end)
        return;
    free(c->queued);
    c->queued = NULL;
    c->start = c->end = 0;
    watch(EPOLL_CTL_MOD, fd, EPOLLIN);
}

static void receive(int fd)
{
    ssize_t received = recv(fd, chunk, sizeof chunk, 0);
    if (received < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (received <= 0) {
        drop(fd);
        return;
    }
    for (int i = member_count - 1; i >= 0; i--) // Backward, since one that is dropped is replaced by the last.
        send_to(members[i], chunk, (size_t) received);
}

static void serve(int fd, uint32_t events)
{
    if (connections[fd].is_open && events & EPOLLOUT && connections[fd].queued != NULL)
        catch_up(fd);
    if (connections[fd].is_open && events & (EPOLLIN | EPOLLERR | EPOLLHUP)) // It may have been dropped in this turn.
        receive(fd);
}

int main(void)
{
    int listener = listen_on(0);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN);
    watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN);

    struct epoll_event events[EVENTS_PER_WAIT];
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS_PER_WAIT, -1);
        if (count < 0 && errno != EINTR)
            fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                accept_all(listener);
            else if (fd == STDIN_FILENO)
                leave_when_input_ends();
            else
                serve(fd, events[i].events);
        }
    }
}
