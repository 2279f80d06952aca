// Opens connections of which each exchanges one message, so that the server has accepted it and waits for the next, and
// keeps them without a byte more. No more than a few exchange theirs at once: what a server needs for many busy
// connections is not what an idle one costs.
//
// usage: idle-load HOST PORT CONNECTIONS SIZE [--close]
//   --close   close those few before the next are opened: a warm-up, that leaves the server the memory of no more than
//             those to use again
// prints one line of JSON when all are open, and another for each line on standard input, for which every connection
// exchanges one message more: that the server still had it. Ends when its standard input ends.
// status 0 all replies came and were right, 1 not so, 2 usage

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { AT_ONCE = 16, LIMIT_SECONDS = 60 };

static struct sockaddr_in server = { .sin_family = AF_INET };
static int *connections; // -1 is one that is closed
static int connection_count, wrong, lost;
static unsigned messages; // that each connection has been sent
static char *message, *reply;
static size_t size;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

// No connection is sent what another one is, or what it was sent before.
static void write_message(int i)
{
    unsigned number = messages * (unsigned) connection_count + (unsigned) i;
    for (size_t k = 0; k < size; k++)
        message[k] = (char) ((number >> k % sizeof number * 8) + k);
}

static void open_one(int i)
{
    connections[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connections[i] < 0)
        fail("socket");
    if (connect(connections[i], (const struct sockaddr *) &server, sizeof server) < 0)
        fail("connect");
    setsockopt(connections[i], IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
}

static void close_one(int i)
{
    close(connections[i]);
    connections[i] = -1;
}

static void lose(int i)
{
    lost++;
    close_one(i);
}

static void send_message(int i)
{
    write_message(i);
    for (size_t sent = 0; sent < size;) {
        ssize_t length = send(connections[i], message + sent, size - sent, MSG_NOSIGNAL);
        if (length < 0) {
            lose(i);
            return;
        }
        sent += (size_t) length;
    }
}

static void check_reply(int i)
{
    write_message(i);
    for (size_t received = 0; received < size;) {
        ssize_t length = recv(connections[i], reply + received, size - received, 0);
        if (length <= 0) {
            lose(i);
            return;
        }
        received += (size_t) length;
    }
    wrong += memcmp(message, reply, size) != 0;
}

static void exchange_all(bool opening, bool closing)
{
    alarm(LIMIT_SECONDS); // a server that never answers must not hold us for ever
    for (int first = 0; first < connection_count; first += AT_ONCE) {
        int end = first + AT_ONCE < connection_count ? first + AT_ONCE : connection_count;
        for (int i = first; i < end; i++) {
            if (opening)
                open_one(i);
            if (connections[i] >= 0)
                send_message(i);
        }
        for (int i = first; i < end; i++) {
            if (connections[i] >= 0)
                check_reply(i);
            if (closing && connections[i] >= 0)
                close_one(i);
        }
    }
    alarm(0);
    messages++;
}

static void tell(void)
{
    printf("{\"connections\":%d,\"wrong\":%d,\"lost\":%d}\n", connection_count, wrong, lost);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    bool closing = argc == 6 && strcmp(argv[5], "--close") == 0;
    if (argc >= 5) {
        server.sin_port = htons((uint16_t) atoi(argv[2]));
        connection_count = atoi(argv[3]);
        size = (size_t) atol(argv[4]);
    }
    if ((argc != 5 && !closing) || inet_pton(AF_INET, argv[1], &server.sin_addr) != 1 || connection_count < 1 || size < 1) {
        fprintf(stderr, "usage: idle-load HOST PORT CONNECTIONS SIZE [--close]\n");
        return 2;
    }
    connections = calloc((size_t) connection_count, sizeof *connections);
    message = malloc(size);
    reply = malloc(size);
    if (connections == NULL || message == NULL || reply == NULL)
        fail("malloc");

    exchange_all(true, closing);
    tell();
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        exchange_all(false, false);
        tell();
    }
    return wrong == 0 && lost == 0 ? 0 : 1;
}
