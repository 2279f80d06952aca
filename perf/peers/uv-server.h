// What the servers on libuv have in common: where they listen, and how the runner speaks with them.

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum { BACKLOG = 4096 };

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

// The runner holds the other end of standard input, so that no server outlives it.
static void on_input(uv_stream_t *input, ssize_t length, const uv_buf_t *buffer)
{
    (void) input, (void) buffer;
    if (length < 0)
        exit(0);
}

// On any port of loopback, until standard input ends.
static int serve(uv_loop_t *loop, uv_connection_cb on_connection)
{
    signal(SIGPIPE, SIG_IGN);
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
