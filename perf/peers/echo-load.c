// The load of the echo scenarios: one thread that keeps one request in flight on each connection, or as many as it is told,
// checks every byte that comes back, and asks for the server's processor time at the very edges of the measured window.
//
// usage: echo-load as in load.h, and [--depth N] [--backend PORT]
//   --depth       requests in flight on a connection (1). For all replies that came at once it sends as many new
//                 requests at once, as a client that pipelines does
//   --backend     also listen on that port of 127.0.0.1 and echo what comes in there: both ends of a proxy

#define _GNU_SOURCE
#include "load.h"
#include "backend.h"
#include <sys/uio.h>

// Every connection owns this many places in the pattern for each request in flight and moves to the next with each
// request, so neither another connection's bytes nor one of the replies around this one can pass for the right reply.
enum { PLACES = 8 };

// No more are given to the kernel at once: the limit of sendmsg(2), IOV_MAX.
enum { MOST_DEPTH = 1024 };

typedef struct {
    int fd;
    unsigned under_way; // requests, some of them not yet sent: as many as the depth says, fewer only when draining
    unsigned oldest;    // the place of the oldest of them
    size_t sent;        // of all of them, in bytes
    size_t received;    // of the reply to the oldest
    bool wrong;         // that reply
    int64_t *since;     // when each of them was started; that of the place is at place % depth
} connection;

static connection *connections;
static unsigned depth = 1;
static unsigned places; // of one connection
static int backend_port;

static char *message(const connection *c, unsigned behind_oldest)
{
    return pattern + (size_t) (c - connections) * places + (c->oldest + behind_oldest) % places;
}

static void lose(connection *c)
{
    lost_connections++;
    under_way -= c->under_way;
    c->under_way = 0;
    close(c->fd);
    c->fd = -1;
}

// All that is under way and not yet sent, in one call.
static ssize_t send_some(const connection *c)
{
    if (depth == 1)
        return send(c->fd, message(c, 0) + c->sent, asked.size - c->sent, MSG_NOSIGNAL);
    unsigned request = (unsigned) (c->sent / asked.size);
    size_t start = c->sent % asked.size;
    static struct iovec parts[MOST_DEPTH];
    struct msghdr header = { .msg_iov = parts };
    for (; request < c->under_way; request++, start = 0)
        parts[header.msg_iovlen++] = (struct iovec) { message(c, request) + start, asked.size - start };
    return sendmsg(c->fd, &header, MSG_NOSIGNAL);
}

static void send_requests(connection *c)
{
    while (c->sent < asked.size * c->under_way) {
        ssize_t sent = send_some(c);
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                lose(c);
            return;
        }
        c->sent += (size_t) sent;
    }
}

// The place that the oldest request leaves is the next request's.
static void finish_reply(connection *c)
{
    int64_t now = nanoseconds(CLOCK_MONOTONIC);
    int64_t *since = &c->since[c->oldest % depth];
    count_reply(*since, now);
    wrong_replies += c->wrong;
    *since = now;
    c->oldest = (c->oldest + 1) % places;
    c->sent -= asked.size;
    c->received = 0;
    c->wrong = false;
    if (draining) {
        c->under_way--;
        under_way--;
    }
}

// Replies come in the order of their requests, one, several or a part of one at once.
static void check_replies(connection *c, const char *data, size_t length)
{
    if (length > c->sent - c->received) { // more than was asked for
        wrong_replies++;
        length = c->sent - c->received;
    }
    while (length > 0) {
        size_t part = length < asked.size - c->received ? length : asked.size - c->received;
        if (memcmp(data, message(c, 0) + c->received, part) != 0)
            c->wrong = true;
        c->received += part;
        data += part;
        length -= part;
        if (c->received == asked.size)
            finish_reply(c);
    }
}

// The registration is edge triggered: reads until a short read says that the socket is drained.
static void receive_replies(connection *c, bool ended)
{
    static char buffer[256 * 1024];
    for (;;) {
        ssize_t received = recv(c->fd, buffer, sizeof buffer, 0);
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0 && errno == EAGAIN)
            return;
        if (received <= 0) {
            lose(c);
            return;
        }
        check_replies(c, buffer, (size_t) received);
        if ((size_t) received < sizeof buffer && !ended)
            return;
    }
}

static void on_event(uint32_t index, uint32_t events)
{
    if (index >= (uint32_t) asked.connections) {
        on_backend_event(index, events);
        return;
    }
    connection *c = &connections[index];
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP))
        receive_replies(c, events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP));
    if (c->fd >= 0)
        send_requests(c);
}

static void begin_requests(void)
{
    int64_t now = nanoseconds(CLOCK_MONOTONIC);
    for (int i = 0; i < asked.connections; i++) {
        connection *c = &connections[i];
        if (c->fd < 0)
            continue;
        for (unsigned k = 0; k < depth; k++)
            c->since[k] = now;
        c->under_way = depth;
        under_way += depth;
        send_requests(c);
    }
}

// Connections that waited for one reply through the whole time: the server forgot or starved them.
static int stalled_since(int64_t moment)
{
    int stalled = 0;
    for (int i = 0; i < asked.connections; i++)
        stalled += connections[i].under_way > 0 && connections[i].since[connections[i].oldest % depth] < moment;
    return stalled;
}

static unsigned deliveries_each = 1;
static const char *const own_options = " [--depth N] [--backend PORT]";

static bool take_own_option(const char *name, int value)
{
    if (strcmp(name, "--depth") == 0) {
        depth = (unsigned) value;
        return value >= 1 && value <= MOST_DEPTH;
    }
    backend_port = value;
    return strcmp(name, "--backend") == 0 && value >= 1 && value <= UINT16_MAX;
}

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    places = (unsigned) PLACES * depth;
    fill_pattern((size_t) asked.connections * places + asked.size);
    connections = calloc((size_t) asked.connections, sizeof *connections);
    int64_t *since = calloc((size_t) asked.connections * depth, sizeof *since);
    if (connections == NULL || since == NULL)
        fail("calloc");
    if (backend_port != 0)
        open_backend((uint16_t) backend_port, (uint32_t) asked.connections);
    for (int i = 0; i < asked.connections; i++) {
        connections[i] = (connection) { .fd = connect_to_server(), .since = since + (size_t) i * depth };
        watch(connections[i].fd, (uint32_t) i);
        if (backend_port != 0)
            poll_once(); // what the proxy opens for it must not pile up in front of the backend
    }
    return measure();
}
