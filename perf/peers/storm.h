// What the connect storm's clients in C have in common: their command line, their clocks, and the turns of storming and
// closing. A client brings two functions: one opens all connections, the other resets them.
//
// usage: NAME-storm --port P --count N --in-flight N --warmup SECONDS --seconds SECONDS
//   --count      connections of a storm; all stay open until it is over
//   --in-flight  connects under way at once
//   --warmup     storms for that long before those that count
//   --seconds    storms until they alone took that long
// prints "window" when it is warm and waits for a line; then prints one line of JSON and stays until its standard input
// ends; status 0 all were connected, 1 not so, 2 usage

#ifndef STORM_H
#define STORM_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    struct sockaddr_in target;
    int count;
    int in_flight;
} storm_plan;

typedef void storm_phase(const storm_plan *plan);

// Of the storms that count; cleared when they begin.
static int64_t *storm_latencies;
static size_t storm_connects, storm_room;
static uint64_t storm_failures;

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

static void storm_connected(int64_t since)
{
    storm_latencies[storm_connects++] = nanoseconds(CLOCK_MONOTONIC) - since;
}

// Says the first reason; thousands would say nothing more.
static void storm_failed(const char *reason)
{
    if (storm_failures++ == 0)
        fprintf(stderr, "not connected: %s\n", reason);
}

// The sink answers one byte when it has closed all connections but the one that asks.
static void storm_wait_until_all_closed(const storm_plan *plan)
{
    char byte = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket");
    struct linger reset = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (connect(fd, (const struct sockaddr *) &plan->target, sizeof plan->target) < 0)
        fail("connect");
    if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) != 1)
        fail("the sink's answer");
    close(fd);
}

static void storm_make_room(int count)
{
    if (storm_connects + (size_t) count <= storm_room)
        return;
    storm_room = 2 * (storm_connects + (size_t) count);
    storm_latencies = realloc(storm_latencies, storm_room * sizeof *storm_latencies);
    if (storm_latencies == NULL)
        fail("realloc");
}

static int storm_compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *) a, right = *(const int64_t *) b;
    return (left > right) - (left < right);
}

static double storm_percentile_us(double fraction)
{
    return storm_connects == 0 ? 0 : (double) storm_latencies[(size_t) ((double) (storm_connects - 1) * fraction)] / 1000;
}

static void storm_usage(const char *name)
{
    fprintf(stderr, "usage: %s --port P --count N --in-flight N --warmup SECONDS --seconds SECONDS\n", name);
    exit(2);
}

static int storm_main(int argc, char **argv, storm_phase *open_all, storm_phase *reset_all)
{
    int port = 0;
    double warmup = -1, seconds = -1;
    storm_plan plan = { 0 };
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--port") == 0)
            port = atoi(value);
        else if (strcmp(argv[i], "--count") == 0)
            plan.count = atoi(value);
        else if (strcmp(argv[i], "--in-flight") == 0)
            plan.in_flight = atoi(value);
        else if (strcmp(argv[i], "--warmup") == 0)
            warmup = atof(value);
        else if (strcmp(argv[i], "--seconds") == 0)
            seconds = atof(value);
        else
            storm_usage(argv[0]);
    }
    if (port < 1 || port > 65535 || plan.count < 1 || plan.in_flight < 1 || warmup < 0 || seconds <= 0)
        storm_usage(argv[0]);
    plan.target.sin_family = AF_INET;
    plan.target.sin_port = htons((uint16_t) port);
    plan.target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    alarm((unsigned) (3 * (warmup + seconds)) + 60); // a sink that never accepts must not hold us for ever

    int64_t start = nanoseconds(CLOCK_MONOTONIC);
    do {
        storm_make_room(plan.count);
        open_all(&plan);
        reset_all(&plan);
        storm_wait_until_all_closed(&plan);
        storm_connects = 0;
    } while ((double) (nanoseconds(CLOCK_MONOTONIC) - start) / 1e9 < warmup);

    puts("window");
    fflush(stdout);
    char line[64];
    if (fgets(line, sizeof line, stdin) == NULL)
        return 1;

    int storms = 0;
    int64_t elapsed = 0, used = 0;
    do {
        storm_make_room(plan.count);
        int64_t before = nanoseconds(CLOCK_MONOTONIC), used_before = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
        open_all(&plan);
        used += nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - used_before;
        elapsed += nanoseconds(CLOCK_MONOTONIC) - before;
        storms++;
        reset_all(&plan);
        storm_wait_until_all_closed(&plan);
    } while ((double) elapsed / 1e9 < seconds);

    qsort(storm_latencies, storm_connects, sizeof *storm_latencies, storm_compare);
    printf("{\"storms\":%d,\"connects\":%zu,\"failed\":%llu,\"seconds\":%.6f,\"cpu_seconds\":%.6f,"
           "\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f}\n",
           storms, storm_connects, (unsigned long long) storm_failures, (double) elapsed / 1e9, (double) used / 1e9,
           storm_percentile_us(0.50), storm_percentile_us(0.99), storm_percentile_us(0.999));
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL)
        continue;
    return storm_failures == 0 ? 0 : 1;
}

#endif
