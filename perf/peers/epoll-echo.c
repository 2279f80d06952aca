// The yardstick of the comparison: an echo server on epoll as one writes it by hand for speed, one thread, no library.
//
// A chunk is received into one buffer that all connections share and sent straight from it. Only what the kernel
// refuses is copied, into a buffer that the connection owns for as long as it is behind; until that is sent nothing
// more is read, so a peer that does not read is slowed down by TCP.
//
// With --state each connection also has what a server with a protocol keeps of it: a record on the heap with an input
// buffer of its own, which every request touches. An echo needs none of that; it shows what the memory alone costs.
//
// usage: epoll-echo [--port N] [--edge] [--state]      prints "ready PORT PID", ends with SIGTERM or when its standard
//                                                      input ends

#define _GNU_SOURCE
#include "epoll-server.h"

typedef struct {
    struct sockaddr_in peer;
    time_t last_active; // for a limit on idle time
    uint64_t received;
    uint64_t sent;
    char input[16 * 1024];
} record;

typedef struct {
    record *record; // Set exactly with --state, from accept to close.
    char *pending; // Set exactly while the kernel has refused bytes: [pending_start, pending_end) are still to be sent.
    size_t pending_start;
    size_t pending_end;
} connection;

static connection connections[MAX_DESCRIPTORS]; // by descriptor
static char chunk[64 * 1024];
static bool edge, state;
static time_t now; // of this turn, with --state

static void drop(int fd)
{
    free(connections[fd].record);
    free(connections[fd].pending);
    connections[fd] = (connection) { 0 };
    close(fd);
}

static void keep_record(int fd, const struct sockaddr_in *peer)
{
    record *r = malloc(sizeof *r);
    if (r == NULL)
        fail("malloc");
    r->peer = *peer;
    r->last_active = now;
    r->received = r->sent = 0;
    connections[fd].record = r;
}

static void accept_all(int listener)
{
    for (;;) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        int fd = accept4(listener, (struct sockaddr *) &peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
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
        if (state)
            keep_record(fd, &peer);
        watch(EPOLL_CTL_ADD, fd, edge ? EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET : EPOLLIN);
    }
}

// Keeps what the kernel refused. Level triggered, the interest changes from reading to writing until it is gone.
static void fall_behind(int fd, const char *data, size_t length)
{
    connection *c = &connections[fd];
    c->pending = malloc(length);
    if (c->pending == NULL)
        fail("malloc");
    memcpy(c->pending, data, length);
    c->pending_start = 0;
    c->pending_end = length;
    if (!edge)
        watch(EPOLL_CTL_MOD, fd, EPOLLOUT);
}

// False when the connection is gone or waits for the peer to read.
static bool catch_up(int fd)
{
    connection *c = &connections[fd];
    while (c->pending_start < c->pending_end) {
        ssize_t sent = send(fd, c->pending + c->pending_start, c->pending_end - c->pending_start, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                drop(fd);
            return false;
        }
        c->pending_start += (size_t) sent;
    }
    free(c->pending);
    c->pending = NULL;
    if (!edge)
        watch(EPOLL_CTL_MOD, fd, EPOLLIN);
    return true;
}

// Sends back what was received. False when the connection is gone or behind.
static bool send_back(int fd, const char *data, size_t length)
{
    size_t start = 0;
    while (start < length) {
        ssize_t sent = send(fd, data + start, length - start, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            if (errno == EAGAIN)
                fall_behind(fd, data + start, length - start);
            else
                drop(fd);
            return false;
        }
        start += (size_t) sent;
    }
    return true;
}

// Level triggered, one chunk an event: epoll tells again when there is more. Edge triggered, until a short read says
// that the socket is drained; an end that was already seen (ended) tells no second time and must be read.
static void echo(int fd, bool ended)
{
    record *r = connections[fd].record;
    char *buffer = r != NULL ? r->input : chunk;
    size_t capacity = r != NULL ? sizeof r->input : sizeof chunk;
    for (;;) {
        ssize_t received = recv(fd, buffer, capacity, 0);
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0 && errno == EAGAIN)
            return;
        if (received <= 0) {
            drop(fd);
            return;
        }
        if (!send_back(fd, buffer, (size_t) received))
            return;
        if (r != NULL) {
            r->last_active = now;
            r->received += (size_t) received;
            r->sent += (size_t) received;
        }
        if (!edge || ((size_t) received < capacity && !ended))
            return;
    }
}

static void serve(int fd, uint32_t events)
{
    bool behind = connections[fd].pending != NULL;
    if (behind && !(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
        return;
    if (behind && !catch_up(fd))
        return;
    if (behind && !edge)
        return;
    if (behind || (events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)))
        echo(fd, behind || (events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)));
}

int main(int argc, char **argv)
{
    uint16_t port = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--edge") == 0) {
            edge = true;
        } else if (strcmp(argv[i], "--state") == 0) {
            state = true;
        } else if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) {
            port = (uint16_t) atoi(argv[++i]);
        } else {
            fprintf(stderr, "usage: epoll-echo [--port N] [--edge] [--state]\n");
            return 2;
        }
    }

    int listener = listen_on(port);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN);
    watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN);

    struct epoll_event events[EVENTS_PER_WAIT];
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS_PER_WAIT, -1);
        if (count < 0 && errno != EINTR)
            fail("epoll_wait");
        if (state)
            now = time(NULL);
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
