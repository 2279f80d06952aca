/* kqueue(2), which is that of libkqueue where REACTOR_KQUEUE_LIBRARY names one. */
#include "darwin-libc.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct kevent {
    uintptr_t ident;
    int16_t filter;
    uint16_t flags;
    uint32_t fflags;
    intptr_t data;
    void *udata;
};

/* Those of libkqueue. It gives no more events, and so no more receipts, in one call. */
enum { LIBKQUEUE_EVFILT_USER = -11, MOST_EVENTS = 512 };

static int (*libkqueue_kqueue)(void);
static int (*libkqueue_kevent)(int, const struct kevent *, int, struct kevent *, int, const struct timespec *);
static void (*libkqueue_drain_pending_close)(void);
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    const char *path = getenv("REACTOR_KQUEUE_LIBRARY");
    void *library = path == NULL || *path == 0 ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return;
    libkqueue_kevent = dlsym(library, "kevent");
    libkqueue_drain_pending_close = dlsym(library, "libkqueue_drain_pending_close");
    libkqueue_kqueue = dlsym(library, "kqueue");
}

int darwin_kqueue(void) __asm__("kqueue");
int darwin_kqueue(void)
{
    pthread_once(&once, load);
    if (libkqueue_kqueue == NULL)
        return fail(DARWIN_ENOSYS);
    int made = libkqueue_kqueue();
    if (made >= 0)
        KEPT(made) = IS_KQUEUE;
    return answer(made);
}

static void tell(struct kevent *event, const struct kevent *told)
{
    *event = *told;
    if (event->filter == LIBKQUEUE_EVFILT_USER)
        event->filter = DARWIN_EVFILT_USER;
    if (event->flags & DARWIN_EV_ERROR)
        event->data = darwin_errno(event->data);
    else if (event->flags & DARWIN_EV_EOF)
        event->fflags = darwin_errno(event->fflags);
}

/* libkqueue has no filter for urgent data: one that is added or deleted is answered as the one before it, and never tells. */
MACOS(int, kevent, int kqueue, const struct kevent *changes, int change_count, struct kevent *events, int room,
    const struct timespec *timeout)
{
    struct kevent *asked = calloc(change_count + room + 1, sizeof *asked), *told = asked + change_count;
    int asked_count = 0, receipts = 0, count = 0;
    bool is_known = true;
    for (int i = 0; i < change_count; i++) {
        int filter = changes[i].filter;
        if (filter != DARWIN_EVFILT_READ && filter != DARWIN_EVFILT_WRITE && filter != DARWIN_EVFILT_USER && (filter != DARWIN_EVFILT_EXCEPT || i == 0))
            is_known = false;
        receipts += (changes[i].flags & DARWIN_EV_RECEIPT) != 0;
        if (filter == DARWIN_EVFILT_EXCEPT)
            continue;
        asked[asked_count] = changes[i];
        if (filter == DARWIN_EVFILT_USER)
            asked[asked_count].filter = LIBKQUEUE_EVFILT_USER;
        asked_count++;
    }

    /* All have receipts or none has, and the receipts fill the room; no other caller is answered. */
    if (receipts > 0 && (receipts != change_count || room != change_count))
        abort();

    int told_count = is_known ? 0 : fail(EINVAL);
    if (told_count >= 0 && receipts == 0)
        told_count = libkqueue_kevent(kqueue, asked, asked_count, told, room, timeout);
    for (int from = 0; told_count >= 0 && receipts > 0 && from < asked_count; from += MOST_EVENTS) {
        int some = asked_count - from < MOST_EVENTS ? asked_count - from : MOST_EVENTS;
        told_count = libkqueue_kevent(kqueue, asked + from, some, told + from, some, timeout);
    }

    if (told_count >= 0 && receipts > 0) {
        for (; count < change_count; count++) {
            if (changes[count].filter != DARWIN_EVFILT_EXCEPT) {
                tell(&events[count], told++);
                continue;
            }

            events[count] = changes[count];
            events[count].flags = DARWIN_EV_ERROR;
            events[count].data = events[count - 1].data;
        }
    } else {
        for (; count < told_count; count++)
            tell(&events[count], &told[count]);
    }

    int error = errno;
    free(asked);
    errno = error;
    return told_count < 0 ? answer(told_count) : count;
}

/* A thread of libkqueue's closes what a kqueue had open, some time later; those that count descriptors wait for it. */
MACOS(int, close, int descriptor)
{
    bool is_kqueue = descriptor >= 0 && (KEPT(descriptor) & IS_KQUEUE) != 0;
    KEPT(descriptor) = 0;
    long closed = LINUX(close, descriptor);
    if (is_kqueue && libkqueue_drain_pending_close != NULL)
        libkqueue_drain_pending_close();
    return answer(closed);
}
