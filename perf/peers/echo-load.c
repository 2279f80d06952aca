// The load of the comparison: one thread that keeps one request in flight on each connection, or as many as it is told,
// checks every byte that comes back, and asks for the server's processor time at the very edges of the measured window.
//
// It polls without sleeping. When a load sleeps, the server's send() has to wake it, and that wake is charged to the
// server's processor time: a server would then look cheaper the slower it is.
//
// usage: echo-load HOST PORT CONNECTIONS SIZE SECONDS WARMUP [--depth N] [--server-pid PID] [--announce]
//   --depth       requests in flight on a connection (1). For all replies that came at once it sends as many new
//                 requests at once, as a client that pipelines does
//   --server-pid  also measure the processor time of that process, all its threads, in the window
//   --announce    print a line "window" when the warm-up is over, and keep the connections after the window until
//                 standard input ends, so that what closing them costs the server is not counted to the window
// prints one line of JSON; status 0 all replies came and were right, 1 not so, 2 usage

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_PER_WAIT = 512 };

// Every connection owns this many places in the pattern for each request in flight and moves to the next with each
// request, so neither another connection's bytes nor one of the replies around this one can pass for the right reply.
enum { PLACES = 8 };

// No more are given to the kernel at once: the limit of sendmsg(2), IOV_MAX.
enum { MOST_DEPTH = 1024 };

// A connection always has as many requests under way as the depth says, some of them not yet sent.
typedef struct {
    int fd;
    unsigned oldest; // the place of the oldest request under way
    size_t sent;     // of all requests under way, in bytes
    size_t received; // of the reply to the oldest
    bool wrong;      // that reply
    int64_t *since;  // when each of the requests under way was started; that of the place is at place % depth
} connection;

static connection *connections;
static int connection_count;
static size_t size;
static unsigned depth = 1;
static unsigned places; // of one connection
static char *pattern;
static int poller;

static uint64_t requests, wrong_replies, lost_connections;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t nanoseconds(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) < 0)
        fail("clock_gettime");
    return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}

// ---- latencies: 32 buckets to each power of two, so a percentile is at most 3 % off ----

enum { SUB_BITS = 5, SUB = 1 << SUB_BITS, BUCKETS = (64 - SUB_BITS) * SUB };
static uint64_t histogram[BUCKETS];

static unsigned bucket_of(uint64_t value)
{
    if (value < SUB)
        return (unsigned) value;
    int shift = 63 - SUB_BITS - __builtin_clzll(value);
    return (unsigned) ((shift << SUB_BITS) + (int) (value >> shift));
}

static double middle_of(unsigned bucket)
{
    if (bucket < SUB)
        return bucket;
    unsigned shift = (bucket >> SUB_BITS) - 1;
    uint64_t low = (uint64_t) (SUB + (bucket & (SUB - 1))) << shift;
    return (double) low + (double) ((uint64_t) 1 << shift) / 2;
}

static double percentile_us(double fraction)
{
    uint64_t rank = (uint64_t) ((double) requests * fraction), seen = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += histogram[i];
        if (seen > rank || (seen == requests && seen > 0))
            return middle_of(i) / 1000;
    }
    return 0;
}

// ---- the conversation ----

static char *message(const connection *c, unsigned behind_oldest)
{
    return pattern + (size_t) (c - connections) * places + (c->oldest + behind_oldest) % places;
}

static void lose(connection *c)
{
    lost_connections++;
    close(c->fd);
    c->fd = -1;
}

// All that is under way and not yet sent, in one call.
static ssize_t send_some(const connection *c)
{
    if (depth == 1)
        return send(c->fd, message(c, 0) + c->sent, size - c->sent, MSG_NOSIGNAL);
    unsigned request = (unsigned) (c->sent / size);
    size_t start = c->sent % size;
    static struct iovec parts[MOST_DEPTH];
    struct msghdr header = { .msg_iov = parts };
    for (; request < depth; request++, start = 0)
        parts[header.msg_iovlen++] = (struct iovec) { message(c, request) + start, size - start };
    return sendmsg(c->fd, &header, MSG_NOSIGNAL);
}

static void send_requests(connection *c)
{
    while (c->sent < size * depth) {
        ssize_t sent = send_some(c);
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

// The place that the oldest request leaves is the next request's.
static void finish_reply(connection *c)
{
    int64_t now = nanoseconds(CLOCK_MONOTONIC);
    int64_t *since = &c->since[c->oldest % depth];
    requests++;
    wrong_replies += c->wrong;
    histogram[bucket_of((uint64_t) (now - *since))]++;
    *since = now;
    c->oldest = (c->oldest + 1) % places;
    c->sent -= size;
    c->received = 0;
    c->wrong = false;
}

// Replies come in the order of their requests, one, several or a part of one at once.
static void check_replies(connection *c, const char *data, size_t length)
{
    if (length > c->sent - c->received) { // more than was asked for
        c->wrong = true;
        length = c->sent - c->received;
    }
    while (length > 0) {
        size_t part = length < size - c->received ? length : size - c->received;
        if (memcmp(data, message(c, 0) + c->received, part) != 0)
            c->wrong = true;
        c->received += part;
        data += part;
        length -= part;
        if (c->received == size)
            finish_reply(c);
    }
}

// The registration is edge triggered: reads until a short read says that the socket is drained.
static void receive_replies(connection *c, bool ended)
{
    static char buffer[256 * 1024];
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
        check_replies(c, buffer, (size_t) received);
        if (c->fd < 0 || ((size_t) received < sizeof buffer && !ended))
            return;
    }
}

// ---- opening, running, telling ----

static void connect_all(const struct sockaddr_in *server)
{
    for (int i = 0; i < connection_count; i++) {
        connection *c = &connections[i];
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd < 0)
            fail("socket");
        if (connect(c->fd, (const struct sockaddr *) server, sizeof *server) < 0)
            fail("connect");
        if (fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0)
            fail("fcntl");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
        struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };
        if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) < 0)
            fail("epoll_ctl");
    }
}

static void converse_until(int64_t deadline)
{
    struct epoll_event events[EVENTS_PER_WAIT];
    while (nanoseconds(CLOCK_MONOTONIC) < deadline) {
        int count = epoll_wait(poller, events, EVENTS_PER_WAIT, 0);
        if (count < 0 && errno != EINTR)
            fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            connection *c = events[i].data.ptr;
            if (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP))
                receive_replies(c, events[i].events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP));
            if (c->fd >= 0)
                send_requests(c);
        }
    }
}

// Connections that waited for one reply through the whole window: the server forgot or starved them.
static int stalled_since(int64_t window_start)
{
    int stalled = 0;
    for (int i = 0; i < connection_count; i++)
        stalled += connections[i].fd >= 0 && connections[i].since[connections[i].oldest % depth] < window_start;
    return stalled;
}

static void fill_pattern(void)
{
    size_t length = (size_t) connection_count * places + size;
    pattern = malloc(length);
    if (pattern == NULL)
        fail("malloc");
    uint64_t x = 88172645463325252u; // xorshift: bytes without a period that a shifted copy could match
    for (size_t i = 0; i < length; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        pattern[i] = (char) (x >> 32);
    }
}

static void wait_for_end_of_input(void)
{
    char ignored[64];
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0)
        continue;
}

static void usage(void)
{
    fprintf(stderr, "usage: echo-load HOST PORT CONNECTIONS SIZE SECONDS WARMUP [--depth N] [--server-pid PID] [--announce]\n");
    exit(2);
}

int main(int argc, char **argv)
{
    pid_t server_pid = 0;
    bool announce = false;
    if (argc < 7)
        usage();
    for (int i = 7; i < argc; i++) {
        if (strcmp(argv[i], "--announce") == 0)
            announce = true;
        else if (strcmp(argv[i], "--server-pid") == 0 && i + 1 < argc)
            server_pid = atoi(argv[++i]);
        else if (strcmp(argv[i], "--depth") == 0 && i + 1 < argc)
            depth = (unsigned) atoi(argv[++i]);
        else
            usage();
    }
    struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons((uint16_t) atoi(argv[2])) };
    connection_count = atoi(argv[3]);
    size = (size_t) atol(argv[4]);
    double window_seconds = atof(argv[5]), warmup_seconds = atof(argv[6]);
    if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1 || connection_count < 1 || size < 1 || window_seconds <= 0
        || depth < 1 || depth > MOST_DEPTH)
        usage();
    places = (unsigned) (PLACES * depth);

    clockid_t server_clock = CLOCK_MONOTONIC;
    if (server_pid != 0 && clock_getcpuclockid(server_pid, &server_clock) != 0) {
        fprintf(stderr, "echo-load: no process %d\n", server_pid);
        return 1;
    }
    alarm((unsigned) (window_seconds + warmup_seconds) + 20); // a server that never accepts must not hold us for ever

    connections = calloc((size_t) connection_count, sizeof *connections);
    int64_t *since = calloc((size_t) connection_count * depth, sizeof *since);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (connections == NULL || since == NULL || poller < 0)
        fail("epoll_create1");
    fill_pattern();
    connect_all(&server);

    int64_t start = nanoseconds(CLOCK_MONOTONIC);
    for (int i = 0; i < connection_count; i++) {
        connections[i].since = since + (size_t) i * depth;
        for (unsigned k = 0; k < depth; k++)
            connections[i].since[k] = start;
        send_requests(&connections[i]);
    }
    converse_until(start + (int64_t) (warmup_seconds * 1e9));

    // A wrong reply or a lost connection counts from the first byte on; requests and latencies only in the window.
    requests = 0;
    memset(histogram, 0, sizeof histogram);
    if (announce) {
        puts("window");
        fflush(stdout);
    }
    int64_t own_before = nanoseconds(CLOCK_PROCESS_CPUTIME_ID), server_before = nanoseconds(server_clock);
    int64_t window_start = nanoseconds(CLOCK_MONOTONIC);
    converse_until(window_start + (int64_t) (window_seconds * 1e9));
    int64_t window_end = nanoseconds(CLOCK_MONOTONIC);
    int64_t server_after = nanoseconds(server_clock), own_after = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);

    int stalled = stalled_since(window_start);
    printf("{\"requests\":%llu,\"seconds\":%.6f,\"wrong\":%llu,\"lost\":%llu,\"stalled\":%d,\"load_cpu_seconds\":%.6f,",
           (unsigned long long) requests, (double) (window_end - window_start) / 1e9, (unsigned long long) wrong_replies,
           (unsigned long long) lost_connections, stalled, (double) (own_after - own_before) / 1e9);
    if (server_pid != 0)
        printf("\"server_cpu_seconds\":%.6f,", (double) (server_after - server_before) / 1e9);
    printf("\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f}\n", percentile_us(0.50), percentile_us(0.99), percentile_us(0.999));
    fflush(stdout);
    if (announce)
        wait_for_end_of_input();
    return wrong_replies == 0 && lost_connections == 0 && stalled == 0 ? 0 : 1;
}
