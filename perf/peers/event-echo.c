// The echo server as it is written on libevent: a bufferevent a connection, whose input is moved to its output without
// a copy. An output that has grown above the high mark stops the reading until the peer has taken all of it, so a peer
// that does not read is slowed down by TCP.
//
// usage: event-echo      prints "ready PORT PID", ends when its standard input ends

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BACKLOG = 4096, HIGH_MARK = 64 * 1024 };

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void on_read(struct bufferevent *connection, void *context)
{
    (void) context;
    struct evbuffer *output = bufferevent_get_output(connection);
    if (bufferevent_read_buffer(connection, output) < 0)
        fail("bufferevent_read_buffer");
    if (evbuffer_get_length(output) >= HIGH_MARK)
        bufferevent_disable(connection, EV_READ);
}

static void on_drained(struct bufferevent *connection, void *context)
{
    (void) context;
    if (!(bufferevent_get_enabled(connection) & EV_READ))
        bufferevent_enable(connection, EV_READ);
}

static void on_all_sent(struct bufferevent *connection, void *context)
{
    (void) context;
    bufferevent_free(connection);
}

// A peer that has ended its side may still wait for the rest of its replies.
static void on_end(struct bufferevent *connection, short what, void *context)
{
    (void) context;
    if ((what & BEV_EVENT_EOF) && evbuffer_get_length(bufferevent_get_output(connection)) > 0)
        bufferevent_setcb(connection, NULL, on_all_sent, on_end, NULL);
    else if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        bufferevent_free(connection);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer, int length, void *context)
{
    (void) peer, (void) length, (void) context;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
    struct bufferevent *connection = bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
    if (connection == NULL)
        fail("bufferevent_socket_new");
    bufferevent_setcb(connection, on_read, on_drained, on_end, NULL);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
}

// The runner holds the other end of standard input, so that no server outlives it.
static void on_input(evutil_socket_t fd, short what, void *context)
{
    (void) what, (void) context;
    char ignored[64];
    if (read(fd, ignored, sizeof ignored) <= 0)
        exit(0);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    struct event_base *base = event_base_new();
    if (base == NULL)
        fail("event_base_new");
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    struct evconnlistener *listener = evconnlistener_new_bind(
        base, on_accept, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, BACKLOG, (struct sockaddr *) &address, sizeof address);
    if (listener == NULL)
        fail("evconnlistener_new_bind");
    if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *) &address, &length) < 0)
        fail("getsockname");

    struct event *input = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, NULL);
    if (input == NULL || event_add(input, NULL) < 0)
        fail("event_new");

    printf("ready %d %d\n", ntohs(address.sin_port), getpid());
    fflush(stdout);
    return event_base_dispatch(base) < 0;
}
