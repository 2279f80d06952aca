// The echo server as it is written on libuv: one loop, a structure a connection that holds its handle.
//
// libuv asks for a buffer right before it reads and hands it back right after, so one buffer serves all connections.
// What has been read is sent at once with uv_try_write(); only what the kernel refuses is copied into a write request,
// and until that is through the connection is not read, so a peer that does not read is slowed down by TCP.
//
// With --timers a connection also has a timer that closes it when it is idle, which each request starts anew, and the
// loop has N more that are due between 1 and 25 hours from the start.
//
// usage: uv-echo [--timers N]      prints "ready PORT PID", ends when its standard input ends

#include "uv-server.h"

enum { IDLE_LIMIT_MS = 60 * 1000, HOUR_MS = 60 * 60 * 1000 };

// Prime to the number of timers, so that each has its own time, and they are not started in the order in which they are due.
enum { STRIDE = 7919 };

typedef struct {
    uv_tcp_t handle; // first, so that a handle's address is its connection's
    uv_write_t write;
    char *refused; // Set exactly while a write is under way; reading is stopped then.
    uv_timer_t *idle; // Set exactly with --timers, until the connection is dropped.
} connection;

static int pending_timers = -1; // -1 without --timers

static void on_closed(uv_handle_t *handle)
{
    connection *c = (connection *) handle;
    free(c->refused);
    free(c);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

static void drop(connection *c)
{
    if (uv_is_closing((uv_handle_t *) c))
        return;
    if (c->idle != NULL)
        uv_close((uv_handle_t *) c->idle, on_timer_closed);
    c->idle = NULL;
    uv_close((uv_handle_t *) c, on_closed);
}

static void on_idle(uv_timer_t *timer)
{
    drop(timer->data);
}

static void watch_idle(connection *c)
{
    c->idle = malloc(sizeof *c->idle);
    if (c->idle == NULL)
        check(UV_ENOMEM, "malloc");
    check(uv_timer_init(c->handle.loop, c->idle), "uv_timer_init");
    c->idle->data = c;
    check(uv_timer_start(c->idle, on_idle, IDLE_LIMIT_MS, 0), "uv_timer_start");
}

static void on_far_timer(uv_timer_t *timer)
{
    (void) timer;
}

static void start_far_timers(uv_loop_t *loop, int count)
{
    uv_timer_t *timers = calloc((size_t) count, sizeof *timers);
    if (timers == NULL)
        check(UV_ENOMEM, "calloc");
    for (int i = 0; i < count; i++) {
        uint64_t place = (uint64_t) i * STRIDE % (uint64_t) count;
        check(uv_timer_init(loop, &timers[i]), "uv_timer_init");
        check(uv_timer_start(&timers[i], on_far_timer, HOUR_MS + place * 24 * HOUR_MS / (uint64_t) count, 0), "uv_timer_start");
    }
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer);

static void on_written(uv_write_t *request, int status)
{
    connection *c = (connection *) request->handle;
    free(c->refused);
    c->refused = NULL;
    if (status < 0)
        drop(c);
    else
        check(uv_read_start((uv_stream_t *) c, lend_chunk, on_read), "uv_read_start");
}

static void fall_behind(connection *c, const char *data, size_t length)
{
    c->refused = malloc(length);
    if (c->refused == NULL)
        check(UV_ENOMEM, "malloc");
    memcpy(c->refused, data, length);
    uv_read_stop((uv_stream_t *) c);
    uv_buf_t rest = uv_buf_init(c->refused, (unsigned) length);
    if (uv_write(&c->write, (uv_stream_t *) c, &rest, 1, on_written) < 0)
        drop(c);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    connection *c = (connection *) stream;
    if (length < 0) {
        drop(c);
        return;
    }
    if (length == 0) // nothing to read after all
        return;
    if (c->idle != NULL)
        uv_timer_start(c->idle, on_idle, IDLE_LIMIT_MS, 0);
    uv_buf_t reply = uv_buf_init(buffer->base, (unsigned) length);
    int sent = uv_try_write(stream, &reply, 1);
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0)
        drop(c);
    else if (sent < length)
        fall_behind(c, reply.base + sent, (size_t) (length - sent));
}

static void on_connection(uv_stream_t *listener, int status)
{
    check(status, "listen");
    connection *c = calloc(1, sizeof *c);
    if (c == NULL)
        check(UV_ENOMEM, "calloc");
    check(uv_tcp_init(listener->loop, &c->handle), "uv_tcp_init");
    if (uv_accept(listener, (uv_stream_t *) c) < 0) {
        drop(c);
        return;
    }
    uv_tcp_nodelay(&c->handle, 1);
    if (pending_timers >= 0)
        watch_idle(c);
    check(uv_read_start((uv_stream_t *) c, lend_chunk, on_read), "uv_read_start");
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--timers") == 0) {
        pending_timers = atoi(argv[2]);
    } else if (argc != 1) {
        fprintf(stderr, "usage: uv-echo [--timers N]\n");
        return 2;
    }
    if (pending_timers > 0)
        start_far_timers(uv_default_loop(), pending_timers);
    return serve(uv_default_loop(), on_connection);
}
