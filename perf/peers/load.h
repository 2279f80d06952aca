// What the loads of the comparison have in common: how one is told what to do, the measured window and the phases that are
// counted after it, latencies, the pattern that messages are cut from, and the line of JSON.
//
// A load polls without sleeping. When it sleeps, the server's send() has to wake it, and that wake is charged to the
// server's processor time: a server would then look cheaper the slower it is.
//
// usage: LOAD HOST PORT CONNECTIONS SIZE SECONDS WARMUP [--server-pid PID] [--announce] and options of its own
//   --server-pid  also measure the processor time of that process, all its threads, in the window
//   --announce    print a line "window" when the warm-up is over, and keep the connections after the window until
//                 standard input ends, so that what closing them costs the server is not counted to the window. Until
//                 then each line S on standard input is a phase that is counted: S more seconds of the same, until all
//                 that was begun is answered, and one more line of JSON, {"requests":N}. From there to the next phase
//                 the server gets nothing, so N is exactly what it did in it. What the window left under way is finished
//                 before the first phase
// prints one line of JSON; status 0 all replies came and were right, 1 not so, 2 usage

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
#include <time.h>
#include <unistd.h>

enum { EVENTS_PER_WAIT = 512, DRAIN_LIMIT_SECONDS = 5 };

// As the command line says.
static struct {
    struct sockaddr_in server;
    int connections;
    size_t size; // of a message, in bytes
    double window_seconds;
    double warmup_seconds;
    pid_t server_pid;
    bool announce;
} asked;

static uint64_t requests, wrong_replies, lost_connections;
static uint64_t under_way; // requests that were begun and are not answered
static bool draining;      // nothing new is begun
static int64_t idle_ns;    // spent on polls that found nothing to do
static int poller;

// ---- defined by each load ----

static const char *const own_options;                     // for the usage
static unsigned deliveries_each;                          // of a request, where it goes to several; otherwise 1
static bool take_own_option(const char *name, int value); // false when it has none of that name, or not with that value
static void begin_requests(void);                         // on every connection that has none under way
static void on_event(uint32_t index, uint32_t events);    // index as it was given to watch()
static int stalled_since(int64_t moment);                 // connections without a reply since then

// ---- clocks and the poller ----

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

static void watch(int fd, uint32_t index)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u32 = index };
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
        fail("epoll_ctl");
}

// False when there was nothing to do.
static bool poll_once(void)
{
    struct epoll_event events[EVENTS_PER_WAIT];
    int count = epoll_wait(poller, events, EVENTS_PER_WAIT, 0);
    if (count < 0 && errno != EINTR)
        fail("epoll_wait");
    for (int i = 0; i < count; i++)
        on_event(events[i].data.u32, events[i].events);
    return count > 0;
}

// For connections that are opened before the measurement and stay. Churn, which measures the opening, does its own.
static inline int connect_to_server(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket");
    if (connect(fd, (const struct sockaddr *) &asked.server, sizeof asked.server) < 0)
        fail("connect");
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        fail("fcntl");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
    return fd;
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

static void count_reply(int64_t since, int64_t now)
{
    requests++;
    histogram[bucket_of((uint64_t) (now - since))]++;
}

// ---- messages ----

static char *pattern;

static void fill_pattern(size_t length)
{
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

// ---- from the command line to the JSON ----

static void usage(void)
{
    fprintf(stderr, "usage: %s HOST PORT CONNECTIONS SIZE SECONDS WARMUP [--server-pid PID] [--announce]%s\n",
            program_invocation_short_name, own_options);
    exit(2);
}

static void read_arguments(int argc, char **argv)
{
    if (argc < 7)
        usage();
    asked.server = (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = htons((uint16_t) atoi(argv[2])) };
    asked.connections = atoi(argv[3]);
    asked.size = (size_t) atol(argv[4]);
    asked.window_seconds = atof(argv[5]);
    asked.warmup_seconds = atof(argv[6]);
    if (inet_pton(AF_INET, argv[1], &asked.server.sin_addr) != 1 || asked.connections < 1 || asked.size < 1
        || asked.window_seconds <= 0)
        usage();
    for (int i = 7; i < argc; i++) {
        if (strcmp(argv[i], "--announce") == 0) {
            asked.announce = true;
        } else if (i + 1 == argc) {
            usage();
        } else if (strcmp(argv[i], "--server-pid") == 0) {
            asked.server_pid = atoi(argv[++i]);
        } else {
            if (!take_own_option(argv[i], atoi(argv[i + 1])))
                usage();
            i++;
        }
    }
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        fail("epoll_create1");
    alarm((unsigned) (asked.window_seconds + asked.warmup_seconds) + 20); // a server that never accepts must not hold us for ever
}

static void converse(double seconds)
{
    int64_t now = nanoseconds(CLOCK_MONOTONIC), deadline = now + (int64_t) (seconds * 1e9);
    while (now < deadline && !(draining && under_way == 0)) {
        int64_t before = now;
        bool was_idle = !poll_once();
        now = nanoseconds(CLOCK_MONOTONIC);
        if (was_idle)
            idle_ns += now - before;
    }
}

static bool is_well(void)
{
    return wrong_replies == 0 && lost_connections == 0;
}

// What is counted is exact or is not told.
static void finish_under_way(void)
{
    draining = true;
    converse(DRAIN_LIMIT_SECONDS);
    draining = false;
    if (under_way == 0 && is_well())
        return;
    fprintf(stderr, "%s: in the end %llu unanswered, %llu wrong, %llu lost\n", program_invocation_short_name,
            (unsigned long long) under_way, (unsigned long long) wrong_replies, (unsigned long long) lost_connections);
    exit(1);
}

static void count_phases(void)
{
    enum { LONGEST_WAIT_SECONDS = 300 };
    char line[64];
    finish_under_way();
    while (alarm(LONGEST_WAIT_SECONDS), fgets(line, sizeof line, stdin) != NULL) {
        double seconds = atof(line);
        if (seconds <= 0 || seconds > 3600)
            usage();
        alarm((unsigned) seconds + 20);
        requests = 0;
        begin_requests();
        converse(seconds);
        finish_under_way();
        printf("{\"requests\":%llu}\n", (unsigned long long) requests);
        fflush(stdout);
    }
}

// Gives the status of the program. All connections that are opened beforehand are there.
static int measure(void)
{
    clockid_t server_clock = CLOCK_MONOTONIC;
    if (asked.server_pid != 0 && clock_getcpuclockid(asked.server_pid, &server_clock) != 0) {
        fprintf(stderr, "%s: no process %d\n", program_invocation_short_name, asked.server_pid);
        return 1;
    }
    begin_requests();
    converse(asked.warmup_seconds);

    // A wrong reply or a lost connection counts from the first byte on; requests and latencies only in the window.
    requests = 0;
    idle_ns = 0;
    memset(histogram, 0, sizeof histogram);
    if (asked.announce) {
        puts("window");
        fflush(stdout);
    }
    int64_t own_before = nanoseconds(CLOCK_PROCESS_CPUTIME_ID), server_before = nanoseconds(server_clock);
    int64_t window_start = nanoseconds(CLOCK_MONOTONIC);
    converse(asked.window_seconds);
    int64_t window_end = nanoseconds(CLOCK_MONOTONIC);
    int64_t server_after = nanoseconds(server_clock), own_after = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);

    int stalled = stalled_since(window_start);
    printf("{\"requests\":%llu,\"seconds\":%.6f,\"wrong\":%llu,\"lost\":%llu,\"stalled\":%d,\"load_cpu_seconds\":%.6f,",
           (unsigned long long) requests, (double) (window_end - window_start) / 1e9,
           (unsigned long long) wrong_replies, (unsigned long long) lost_connections, stalled,
           (double) (own_after - own_before) / 1e9);
    if (asked.server_pid != 0)
        printf("\"server_cpu_seconds\":%.6f,", (double) (server_after - server_before) / 1e9);
    if (deliveries_each > 1)
        printf("\"deliveries\":%llu,", (unsigned long long) (requests * deliveries_each));
    printf("\"idle_seconds\":%.6f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f}\n",
           (double) idle_ns / 1e9, percentile_us(0.50), percentile_us(0.99), percentile_us(0.999));
    fflush(stdout);
    if (asked.announce)
        count_phases();
    return is_well() && stalled == 0 ? 0 : 1;
}
