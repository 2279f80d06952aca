// A TCP proxy on epoll as one writes it by hand for speed, one thread, no library: for each client it dials the upstream
// server and relays both directions.
//
// A chunk is received into one buffer that all connections share and sent straight from it to the other end. Only what
// the kernel refuses is copied, into a buffer of that direction, and until it is sent nothing more is read there: an end
// that does not read slows the other down by TCP. A FIN goes on behind the last byte and the other direction goes on; a
// reset resets the other end.
//
// usage: epoll-proxy --upstream PORT [--port N]      both on 127.0.0.1; prints "ready PORT PID", ends with SIGTERM or when
//                                                    its standard input ends

#define _GNU_SOURCE
#include "epoll-server.h"

// One of the two connections of a relay, with what is under way to it.
typedef struct end {
    struct end *other;
    int fd;
    uint32_t watched; // what epoll was last told
    bool connecting;  // Set exactly from connect() to its outcome; until then nothing is read of the other end.
    bool ended;       // its FIN was received
    bool finished;    // all that the other end sent has gone to it, and our FIN
    char *pending;    // Set exactly while the kernel has refused bytes: [pending_start, pending_end) are still to be sent.
    size_t pending_start;
    size_t pending_end;
    struct relay *relay;
} end;

typedef struct relay {
    end client, server;
    bool closed;
    struct relay *next; // of those closed in this turn
} relay;

static struct sockaddr_in upstream = { .sin_family = AF_INET };
static end *ends[MAX_DESCRIPTORS]; // by descriptor
static relay *closed_relays;
static char chunk[64 * 1024];

// Reads what there is room for on the other side, writes what waits. Told to epoll only when it changes.
static void update(end *e)
{
    bool reads = !e->ended && !e->connecting && !e->other->connecting && e->other->pending == NULL;
    bool writes = e->connecting || e->pending != NULL;
    uint32_t wanted = (reads ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u);
    if (wanted == 0) // a hang-up in order, both FINs sent with bytes unread, is told whether it is wanted or not: then once
        wanted = EPOLLET;
    if (wanted == e->watched)
        return;
    watch(EPOLL_CTL_MOD, e->fd, wanted);
    e->watched = wanted;
}

// The descriptors are closed when the turn is over: an event of this turn may still name them, and must not find others there.
static void close_both(relay *r, bool reset)
{
    if (r->closed)
        return;
    r->closed = true;
    r->next = closed_relays;
    closed_relays = r;
    if (reset) {
        struct linger none = { .l_onoff = 1, .l_linger = 0 };
        setsockopt(r->client.fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        setsockopt(r->server.fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    }
}

static void release_closed(void)
{
    while (closed_relays != NULL) {
        relay *r = closed_relays;
        closed_relays = r->next;
        ends[r->client.fd] = ends[r->server.fd] = NULL;
        close(r->client.fd);
        close(r->server.fd);
        free(r->client.pending);
        free(r->server.pending);
        free(r);
    }
}

static void finish(end *to)
{
    to->finished = true;
    if (to->other->finished)
        close_both(to->relay, false);
    else if (shutdown(to->fd, SHUT_WR) < 0)
        close_both(to->relay, true);
}

static void keep_pending(end *to, const char *data, size_t length)
{
    to->pending = malloc(length);
    if (to->pending == NULL)
        fail("malloc");
    memcpy(to->pending, data, length);
    to->pending_start = 0;
    to->pending_end = length;
    update(to);
    update(to->other);
}

static void send_on(end *to, const char *data, size_t length)
{
    size_t start = 0;
    while (start < length) {
        ssize_t sent = send(to->fd, data + start, length - start, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            if (errno == EAGAIN)
                keep_pending(to, data + start, length - start);
            else
                close_both(to->relay, true);
            return;
        }
        start += (size_t) sent;
    }
}

static void send_pending(end *to)
{
    while (to->pending_start < to->pending_end) {
        ssize_t sent = send(to->fd, to->pending + to->pending_start, to->pending_end - to->pending_start, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                close_both(to->relay, true);
            return;
        }
        to->pending_start += (size_t) sent;
    }
    free(to->pending);
    to->pending = NULL;
    update(to);
    update(to->other);
}

// One chunk an event: epoll tells again when there is more.
static void relay_from(end *from)
{
    ssize_t received;
    do
        received = recv(from->fd, chunk, sizeof chunk, 0);
    while (received < 0 && errno == EINTR);
    if (received > 0) {
        send_on(from->other, chunk, (size_t) received);
    } else if (received == 0) { // nothing is pending, or it would not have been read
        from->ended = true;
        update(from);
        finish(from->other);
    } else if (errno != EAGAIN) {
        close_both(from->relay, true);
    }
}

static void finish_connect(end *server)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(server->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        fail("getsockopt");
    if (error != 0) {
        fprintf(stderr, "connect: %s\n", strerror(error));
        close_both(server->relay, true);
        return;
    }
    server->connecting = false;
    update(server);
    update(server->other);
}

static void serve(end *e, uint32_t events)
{
    if (e->connecting) {
        finish_connect(e);
        return;
    }
    if ((events & EPOLLOUT) && e->pending != NULL)
        send_pending(e);
    if ((events & EPOLLIN) && (e->watched & EPOLLIN) && !e->relay->closed)
        relay_from(e);
    else if (events & EPOLLERR) // a reset while nothing is read: what is unread nobody waits for
        close_both(e->relay, true);
}

static void dial_for(int client)
{
    int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server < 0 || server >= MAX_DESCRIPTORS || client >= MAX_DESCRIPTORS) {
        fprintf(stderr, "a client is turned away: no descriptor\n");
        close(client);
        if (server >= 0)
            close(server);
        return;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
    relay *r = calloc(1, sizeof *r);
    if (r == NULL)
        fail("calloc");
    r->client = (end) { .other = &r->server, .fd = client, .relay = r };
    r->server = (end) { .other = &r->client, .fd = server, .relay = r, .connecting = true, .watched = EPOLLOUT };
    ends[client] = &r->client;
    ends[server] = &r->server;
    watch(EPOLL_CTL_ADD, client, 0);
    if (connect(server, (struct sockaddr *) &upstream, sizeof upstream) < 0 && errno != EINPROGRESS && errno != EINTR) {
        perror("connect");
        watch(EPOLL_CTL_ADD, server, 0);
        close_both(r, true);
        return;
    }
    watch(EPOLL_CTL_ADD, server, EPOLLOUT);
}

static void accept_all(int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            dial_for(fd);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (errno == EAGAIN)
            return;
        fail("accept4");
    }
}

int main(int argc, char **argv)
{
    uint16_t port = 0, upstream_port = 0;
    bool understood = true;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--port") == 0 && i + 1 < argc)
            port = (uint16_t) atoi(argv[++i]);
        else if (strcmp(argv[i], "--upstream") == 0 && i + 1 < argc)
            upstream_port = (uint16_t) atoi(argv[++i]);
        else
            understood = false;
    }
    if (!understood || upstream_port == 0) {
        fprintf(stderr, "usage: epoll-proxy --upstream PORT [--port N]\n");
        return 2;
    }
    upstream.sin_port = htons(upstream_port);
    upstream.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    int listener = listen_on(port);
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
            else if (ends[fd] != NULL && !ends[fd]->relay->closed)
                serve(ends[fd], events[i].events);
        }
        release_closed();
    }
}
