// The client of the connect storm as it is written on libuv: one loop, a structure a connection that holds its handle
// and its request. A connection is read from as soon as it is there, so that the peer's end is noticed.
//
// usage: see storm.h

#define _GNU_SOURCE
#include "storm.h"
#include <signal.h>
#include <uv.h>

typedef struct {
    uv_tcp_t handle; // first, so that a handle's address is its connection's
    uv_connect_t request;
    int64_t since;
    bool is_connected;
} connection;

static const storm_plan *plan;
static uv_loop_t *loop;
static uv_timer_t limit;
static connection **connections; // all that are open or under way; the first `begun`
static int begun, under_way, open_handles;
static char chunk[64 * 1024];

static void check(int status, const char *what)
{
    if (status < 0) {
        fprintf(stderr, "%s: %s\n", what, uv_strerror(status));
        exit(1);
    }
}

static void begin_others(void);

static void on_closed(uv_handle_t *handle)
{
    open_handles--;
    free(handle);
}

static void lend_chunk(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void) handle, (void) suggested;
    *buffer = uv_buf_init(chunk, sizeof chunk);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    (void) buffer;
    if (length >= 0)
        return;
    storm_failed("the peer has closed");
    uv_read_stop(stream);
}

static void on_connected(uv_connect_t *request, int status)
{
    connection *c = (connection *) request->handle;
    under_way--;
    if (status < 0) {
        storm_failed(uv_strerror(status));
    } else {
        storm_connected(c->since);
        c->is_connected = true;
        check(uv_read_start((uv_stream_t *) c, lend_chunk, on_read), "uv_read_start");
    }
    begin_others();
}

static void begin(void)
{
    connection *c = calloc(1, sizeof *c);
    if (c == NULL)
        check(UV_ENOMEM, "calloc");
    c->since = nanoseconds(CLOCK_MONOTONIC);
    check(uv_tcp_init(loop, &c->handle), "uv_tcp_init");
    open_handles++;
    connections[begun++] = c;
    int status = uv_tcp_connect(&c->request, &c->handle, (const struct sockaddr *) &plan->target, on_connected);
    if (status < 0) {
        storm_failed(uv_strerror(status));
        return;
    }
    uv_tcp_nodelay(&c->handle, 1);
    under_way++;
}

static void begin_others(void)
{
    while (begun < plan->count && under_way < plan->in_flight)
        begin();
}

static void on_limit(uv_timer_t *timer)
{
    (void) timer;
    fprintf(stderr, "the storm did not end\n");
    exit(1);
}

static void open_all(const storm_plan *next)
{
    plan = next;
    begun = 0;
    if (connections == NULL && (connections = calloc((size_t) plan->count, sizeof *connections)) == NULL)
        check(UV_ENOMEM, "calloc");
    check(uv_timer_start(&limit, on_limit, 15000, 0), "uv_timer_start");
    begin_others();
    while (under_way > 0)
        uv_run(loop, UV_RUN_ONCE);
    uv_timer_stop(&limit);
}

static void reset_all(const storm_plan *now)
{
    (void) now;
    for (int i = 0; i < begun; i++) {
        connection *c = connections[i];
        if (!c->is_connected || uv_tcp_close_reset(&c->handle, on_closed) < 0)
            uv_close((uv_handle_t *) c, on_closed);
    }
    while (open_handles > 0)
        uv_run(loop, UV_RUN_ONCE);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    loop = uv_default_loop();
    check(uv_timer_init(loop, &limit), "uv_timer_init");
    return storm_main(argc, argv, open_all, reset_all);
}
