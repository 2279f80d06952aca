// The load of the fan-out scenario: so many connections to a server that sends whatever it receives from one to all, the
// sender too. The first connection sends a message, and the next when all have received it entirely, which is what load.h
// calls a request here. Every byte is checked.
//
// A connect() is complete before the server has accepted, and what a server sends to all it sends to those that it knows.
// So before the measurement messages are sent, at intervals, until one has come on every connection; the first one to
// come tells which of them it is.
//
// usage: fanout-load as in load.h

#define _GNU_SOURCE
#include "load.h"

// A message begins at the place of its number in the pattern, so none of those around it can pass for it.
enum { PLACES = 4096 };

enum { JOIN_INTERVAL_MS = 250 };

typedef struct {
    int fd;
    uint32_t awaited; // the number of the message that comes next; 0 exactly until the first byte has come
    size_t received;  // of it
    bool wrong;       // it
} connection;

static connection *connections;
static uint32_t newest;   // the number of the message that was sent last; from 1 on
static size_t sent;       // of it
static int64_t since;     // when it was
static int still_missing; // connections that do not have it

static const char *message(uint32_t number)
{
    return pattern + number % PLACES;
}

static void send_message(void)
{
    connection *sender = &connections[0];
    while (sender->fd >= 0 && sent < asked.size) {
        ssize_t count = send(sender->fd, message(newest) + sent, asked.size - sent, MSG_NOSIGNAL);
        if (count < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                fail("send");
            return;
        }
        sent += (size_t) count;
    }
}

static void begin_message(void)
{
    newest++;
    sent = 0;
    still_missing = 0;
    for (int i = 0; i < asked.connections; i++)
        still_missing += connections[i].fd >= 0;
    under_way = 1;
    since = nanoseconds(CLOCK_MONOTONIC);
    send_message();
}

static void have_newest(void)
{
    if (--still_missing > 0)
        return;
    under_way = 0;
    count_reply(since, nanoseconds(CLOCK_MONOTONIC));
    if (!draining)
        begin_message();
}

static void lose(connection *c)
{
    lost_connections++;
    close(c->fd);
    c->fd = -1;
    if (c->awaited <= newest)
        have_newest();
}

static void finish_message(connection *c)
{
    wrong_replies += c->wrong;
    c->wrong = false;
    c->received = 0;
    if (c->awaited++ == newest)
        have_newest();
}

// The oldest that begins so. One that it cannot be is found out by its bytes.
static uint32_t first_of(const char *data, size_t length)
{
    uint32_t number = 1;
    while (number < newest && memcmp(data, message(number), length < asked.size ? length : asked.size) != 0)
        number++;
    return number;
}

static void check(connection *c, const char *data, size_t length)
{
    if (c->awaited == 0)
        c->awaited = first_of(data, length);
    while (length > 0) {
        if (c->awaited > newest) { // more than was sent
            wrong_replies++;
            return;
        }
        size_t part = length < asked.size - c->received ? length : asked.size - c->received;
        if (memcmp(data, message(c->awaited) + c->received, part) != 0)
            c->wrong = true;
        c->received += part;
        data += part;
        length -= part;
        if (c->received == asked.size)
            finish_message(c);
    }
}

// The registration is edge triggered: reads until a short read says that the socket is drained.
static void receive(connection *c, bool ended)
{
    static char buffer[64 * 1024];
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
        check(c, buffer, (size_t) received);
        if ((size_t) received < sizeof buffer && !ended)
            return;
    }
}

static void on_event(uint32_t index, uint32_t events)
{
    connection *c = &connections[index];
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP))
        receive(c, events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP));
    if (index == 0)
        send_message();
}

static void begin_requests(void)
{
    begin_message();
}

static int stalled_since(int64_t moment)
{
    return under_way > 0 && since < moment ? still_missing : 0;
}

static void join_all(void)
{
    draining = true; // not one after the other: what is sent is for us to say
    do {
        begin_message();
        int64_t deadline = since + JOIN_INTERVAL_MS * 1000000LL;
        while (still_missing > 0 && nanoseconds(CLOCK_MONOTONIC) < deadline)
            poll_once();
    } while (still_missing > 0);
    draining = false;
}

static unsigned deliveries_each;
static const char *const own_options = "";

static bool take_own_option(const char *name, int value)
{
    (void) name, (void) value;
    return false;
}

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    deliveries_each = (unsigned) asked.connections;
    fill_pattern(PLACES + asked.size);
    connections = calloc((size_t) asked.connections, sizeof *connections);
    if (connections == NULL)
        fail("calloc");
    for (int i = 0; i < asked.connections; i++) {
        connections[i].fd = connect_to_server();
        watch(connections[i].fd, (uint32_t) i);
    }
    join_all();
    return measure();
}
