// The load of the churn scenario: one thread that holds so many conversations at a time. Each connects, sends requests one
// after the other and compares every byte of the replies, ends its side in order, waits for the server to end its own, and
// is at once replaced by a new one. What load.h calls a request is here a whole conversation, and its latency is the time
// from connect() to the server's end.
//
// The load ends its side first, so TIME_WAIT is its own, a minute for each conversation. They go out from a few source
// addresses in turn, each with all ephemeral ports of its own, and from the next few when those have none left.
//
// A conversation that fails, its connect too, is lost and not replaced: a server that is gone is not stormed.
//
// usage: churn-load as in load.h, and [--requests N]
//   --requests    of one conversation (10)

#define _GNU_SOURCE
#include "load.h"

// Linux has 28,000 ephemeral ports as a rule, and on loopback takes one in TIME_WAIT again after a second
// (net.ipv4.tcp_tw_reuse = 2). Few addresses then do, and leave few in TIME_WAIT, whose timers run on the server's core.
// Where it does not, all of them are enough for 100,000 conversations a second without end.
enum { SOURCES_IN_TURN = 4, SOURCES = 250 / SOURCES_IN_TURN * SOURCES_IN_TURN };

// Each slot owns so many places in the pattern and moves to the next with each request, so neither another's bytes nor those
// of the requests around one can pass for the right reply.
enum { PLACES = 64 };

typedef struct {
    int fd;        // -1 exactly while there is no conversation
    unsigned left; // requests that are not answered; with none left our side is ended
    unsigned place;
    size_t sent;
    size_t received;
    bool wrong;
    int64_t since;
} conversation;

static conversation *conversations; // slots
static unsigned requests_each = 10;
static bool from_loopback;
static uint32_t first_source; // of those that take turns

static const char *message(const conversation *c)
{
    return pattern + (size_t) (c - conversations) * PLACES + c->place;
}

static void end(conversation *c)
{
    under_way--;
    close(c->fd);
    c->fd = -1;
}

static void lose(conversation *c)
{
    lost_connections++;
    end(c);
}

// The port is chosen by connect(), which knows that only the pair of both ends must be unique (ip(7)); bind() does not.
static int bind_to_next_source(int fd)
{
    static uint32_t turn;
    struct sockaddr_in source = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + first_source + turn++ % SOURCES_IN_TURN)
    };
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int) { 1 }, sizeof(int)) < 0)
        return -1;
    return bind(fd, (const struct sockaddr *) &source, sizeof source);
}

// A pending connect() is a good one.
static bool start_connect(conversation *c)
{
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        fail("socket");
    if (from_loopback && bind_to_next_source(c->fd) < 0)
        return false;
    return connect(c->fd, (const struct sockaddr *) &asked.server, sizeof asked.server) == 0 || errno == EINPROGRESS;
}

// No TCP_NODELAY: with one small request under way there is nothing that Nagle's algorithm would hold back.
static void begin(conversation *c)
{
    c->since = nanoseconds(CLOCK_MONOTONIC);
    c->left = requests_each;
    c->sent = c->received = 0;
    c->wrong = false;
    under_way++;
    for (int used_up = 0; !start_connect(c); used_up += SOURCES_IN_TURN) {
        if (errno != EADDRNOTAVAIL || used_up == SOURCES) {
            lose(c);
            return;
        }
        close(c->fd);
        first_source = (first_source + SOURCES_IN_TURN) % SOURCES;
    }
    watch(c->fd, (uint32_t) (c - conversations));
}

static void finish(conversation *c)
{
    count_reply(c->since, nanoseconds(CLOCK_MONOTONIC));
    end(c);
    if (!draining)
        begin(c);
}

// While the connect is pending, send() answers EAGAIN; when it has failed, its error.
static void send_request(conversation *c)
{
    while (c->sent < asked.size) {
        ssize_t sent = send(c->fd, message(c) + c->sent, asked.size - c->sent, MSG_NOSIGNAL);
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

static void finish_reply(conversation *c)
{
    wrong_replies += c->wrong;
    c->wrong = false;
    c->sent = c->received = 0;
    c->place = (c->place + 1) % PLACES;
    if (--c->left == 0)
        shutdown(c->fd, SHUT_WR);
}

static void check_reply(conversation *c, const char *data, size_t length)
{
    if (length > c->sent - c->received) { // more than was asked for
        wrong_replies++;
        length = c->sent - c->received;
    }
    if (memcmp(data, message(c) + c->received, length) != 0)
        c->wrong = true;
    c->received += length;
    if (c->received == asked.size)
        finish_reply(c);
}

// False when the conversation is over.
static bool receive(conversation *c, bool ended)
{
    static char buffer[64 * 1024];
    for (;;) {
        ssize_t received = recv(c->fd, buffer, sizeof buffer, 0);
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0 && errno == EAGAIN)
            return true;
        if (received < 0 || (received == 0 && c->left > 0)) {
            lose(c);
            return false;
        }
        if (received == 0) {
            finish(c);
            return false;
        }
        check_reply(c, buffer, (size_t) received);
        if ((size_t) received < sizeof buffer && !ended) // edge triggered: a short read says that the socket is drained
            return true;
    }
}

static void on_event(uint32_t index, uint32_t events)
{
    conversation *c = &conversations[index];
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)
        && !receive(c, events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)))
        return;
    if (c->left > 0)
        send_request(c);
}

static void begin_requests(void)
{
    for (int i = 0; i < asked.connections; i++) {
        if (conversations[i].fd < 0)
            begin(&conversations[i]);
    }
}

static int stalled_since(int64_t moment)
{
    int stalled = 0;
    for (int i = 0; i < asked.connections; i++)
        stalled += conversations[i].fd >= 0 && conversations[i].since < moment;
    return stalled;
}

static unsigned deliveries_each = 1;
static const char *const own_options = " [--requests N]";

static bool take_own_option(const char *name, int value)
{
    requests_each = (unsigned) value;
    return strcmp(name, "--requests") == 0 && value >= 1;
}

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    from_loopback = ntohl(asked.server.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    fill_pattern((size_t) asked.connections * PLACES + asked.size);
    conversations = calloc((size_t) asked.connections, sizeof *conversations);
    if (conversations == NULL)
        fail("calloc");
    for (int i = 0; i < asked.connections; i++)
        conversations[i].fd = -1;
    return measure();
}
