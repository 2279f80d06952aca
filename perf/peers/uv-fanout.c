// The fan-out server as it is written on libuv: one loop, a structure a connection that holds its handle, and a list of them.
// Whatever it receives from one connection it sends to all, the sender too.
//
// What has been read is sent to each at once with uv_try_write(); only what the kernel refuses is copied into a write request
// of that receiver, so that one that does not read keeps nobody waiting. One whose queue grows too long is dropped.
//
// usage: uv-fanout      prints "ready PORT PID", ends when its standard input ends

#include "uv-server.h"

enum { MOST_QUEUED = 1024 * 1024 };

typedef struct connection {
    uv_tcp_t handle; // first, so that a handle's address is its connection's
    struct connection *next;
    struct connection **link; // what points to it; NULL when it is dropped
} connection;

typedef struct {
    uv_write_t write; // first, so that a request's address is its own
    char data[];
} refused;

static connection *members;

static void join(connection *c)
{
    c->next = members;
    c->link = &members;
    if (members != NULL)
        members->link = &c->next;
    members = c;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void drop(connection *c)
{
    if (c->link == NULL)
        return;
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    c->link = NULL;
    uv_close((uv_handle_t *) c, on_closed);
}

static void on_written(uv_write_t *request, int status)
{
    connection *c = (connection *) request->handle;
    free(request);
    if (status < 0)
        drop(c);
}

static void queue(connection *c, const char *data, size_t length)
{
    if (uv_stream_get_write_queue_size((uv_stream_t *) c) + length > MOST_QUEUED) {
        drop(c);
        return;
    }
    refused *rest = malloc(sizeof *rest + length);
    if (rest == NULL)
        check(UV_ENOMEM, "malloc");
    memcpy(rest->data, data, length);
    uv_buf_t buffer = uv_buf_init(rest->data, (unsigned) length);
    if (uv_write(&rest->write, (uv_stream_t *) c, &buffer, 1, on_written) < 0) {
        free(rest);
        drop(c);
    }
}

// While something is queued uv_try_write() refuses everything, so the order stays.
static void send_to(connection *c, const char *data, size_t length)
{
    uv_buf_t buffer = uv_buf_init((char *) data, (unsigned) length);
    int sent = uv_try_write((uv_stream_t *) c, &buffer, 1);
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0)
        drop(c);
    else if ((size_t) sent < length)
        queue(c, data + sent, length - (size_t) sent);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    if (length < 0)
        drop((connection *) stream);
    if (length <= 0)
        return;
    for (connection *c = members, *next; c != NULL; c = next) {
        next = c->next; // It may be dropped.
        send_to(c, buffer->base, (size_t) length);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    check(status, "listen");
    connection *c = calloc(1, sizeof *c);
    if (c == NULL)
        check(UV_ENOMEM, "calloc");
    check(uv_tcp_init(listener->loop, &c->handle), "uv_tcp_init");
    join(c);
    if (uv_accept(listener, (uv_stream_t *) c) < 0) {
        drop(c);
        return;
    }
    uv_tcp_nodelay(&c->handle, 1);
    check(uv_read_start((uv_stream_t *) c, lend_chunk, on_read), "uv_read_start");
}

int main(void)
{
    return serve(uv_default_loop(), on_connection);
}
