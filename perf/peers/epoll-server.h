// What the servers on epoll have in common: where they listen, and how the runner speaks with them.

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_DESCRIPTORS = 1 << 16, EVENTS_PER_WAIT = 512, BACKLOG = 4096 };

static int poller;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void watch(int operation, int fd, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.fd = fd };
    if (epoll_ctl(poller, operation, fd, &event) < 0)
        fail("epoll_ctl");
}

// On loopback; with port 0 on any. Makes the poller as well.
static int listen_on(uint16_t port)
{
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        fail("epoll_create1");
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int) { 1 }, sizeof(int));
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
    };
    socklen_t length = sizeof address;
    if (bind(fd, (struct sockaddr *) &address, length) < 0)
        fail("bind");
    if (listen(fd, BACKLOG) < 0)
        fail("listen");
    getsockname(fd, (struct sockaddr *) &address, &length);
    printf("ready %d %d\n", ntohs(address.sin_port), getpid());
    fflush(stdout);
    return fd;
}

// The runner holds the other end of standard input, so that no server outlives it.
static void leave_when_input_ends(void)
{
    char ignored[64];
    if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0)
        exit(0);
}
