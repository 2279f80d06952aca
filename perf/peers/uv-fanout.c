// The fan-out server as it is written on libuv: one loop, a structure a connection that holds its handle, and a list of them.
// Whatever it receives from one connection it sends to all, the sender too.
//
// What has been read is sent to each at once with uv_try_write(); only what the kernel refuses is copied into a write request
// of that receiver, so that one that does not read keeps nobody waiting. One whose queue grows too long is dropped.
//
// usage: uv-fanout      prints "ready PORT PID", ends when its standard input ends

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum { BACKLOG = 4096, MOST_QUEUED = 1024 * 1024 };

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
static char chunk[64 * 1024];

static void check(int status, const char *what)
{
    if (status < 0) {
        fprintf(stderr, "%s: %s\n", what, uv_strerror(status));
        exit(1);
    }
}

static void lend_chunk(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void) handle, (void) suggested;
    *buffer = uv_buf_init(chunk, sizeof chunk);
}

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

// The runner holds the other end of standard input, so that no server outlives it.
static void on_input(uv_stream_t *input, ssize_t length, const uv_buf_t *buffer)
{
    (void) input, (void) buffer;
    if (length < 0)
        exit(0);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    struct sockaddr_in address;
    int length = sizeof address;
    check(uv_ip4_addr("127.0.0.1", 0, &address), "uv_ip4_addr");
    check(uv_tcp_init(loop, &listener), "uv_tcp_init");
    check(uv_tcp_bind(&listener, (const struct sockaddr *) &address, 0), "uv_tcp_bind");
    check(uv_listen((uv_stream_t *) &listener, BACKLOG, on_connection), "uv_listen");
    check(uv_tcp_getsockname(&listener, (struct sockaddr *) &address, &length), "uv_tcp_getsockname");

    uv_pipe_t input;
    check(uv_pipe_init(loop, &input, 0), "uv_pipe_init");
    check(uv_pipe_open(&input, STDIN_FILENO), "uv_pipe_open");
    check(uv_read_start((uv_stream_t *) &input, lend_chunk, on_input), "uv_read_start");

    printf("ready %d %d\n", ntohs(address.sin_port), getpid());
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
