// The far end of a proxy, within the load: it accepts what the proxy opens and echoes, in the load's own turns. A server of
// its own would want a third core, or be in the way of one of the two that are measured.
//
// A chunk is sent straight from the buffer that it was received into. What the kernel refuses is kept, and until that is
// sent the connection is not read.

enum { MAX_DESCRIPTORS = 1 << 16, BACKLOG = 4096 };

typedef struct {
    char *pending; // Set exactly while the kernel has refused bytes: [start, end) are still to be sent.
    size_t start;
    size_t end;
} backend_connection;

static backend_connection backend[MAX_DESCRIPTORS]; // by descriptor
static int backend_listener = -1;
static uint32_t backend_base; // A descriptor's index for the poller is this many more.

static void open_backend(uint16_t port, uint32_t base)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
    };
    backend_listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (backend_listener < 0)
        fail("socket");
    setsockopt(backend_listener, SOL_SOCKET, SO_REUSEADDR, &(int) { 1 }, sizeof(int));
    if (bind(backend_listener, (struct sockaddr *) &address, sizeof address) < 0)
        fail("bind");
    if (listen(backend_listener, BACKLOG) < 0)
        fail("listen");
    backend_base = base;
    watch(backend_listener, base + (uint32_t) backend_listener);
}

static void accept_from_proxy(void)
{
    for (;;) {
        int fd = accept4(backend_listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno == EAGAIN)
                return;
            fail("accept4");
        }
        if (fd >= MAX_DESCRIPTORS) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
        watch(fd, backend_base + (uint32_t) fd);
    }
}

// The proxy's client is the load's other end, which counts it as lost.
static void close_backend(int fd)
{
    free(backend[fd].pending);
    backend[fd] = (backend_connection) { 0 };
    close(fd);
}

// How much was sent; -1 when the connection is gone.
static ssize_t send_to_proxy(int fd, const char *data, size_t length)
{
    size_t start = 0;
    while (start < length) {
        ssize_t sent = send(fd, data + start, length - start, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0) {
            close_backend(fd);
            return -1;
        }
        start += (size_t) sent;
    }
    return (ssize_t) start;
}

// False when the connection is gone or the proxy has still to read.
static bool catch_up(int fd)
{
    backend_connection *c = &backend[fd];
    ssize_t sent = send_to_proxy(fd, c->pending + c->start, c->end - c->start);
    if (sent < 0)
        return false;
    c->start += (size_t) sent;
    if (c->start < c->end)
        return false;
    free(c->pending);
    c->pending = NULL;
    return true;
}

static void serve_proxy(int fd, uint32_t events)
{
    static char chunk[64 * 1024];
    bool was_behind = backend[fd].pending != NULL, ended = events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP);
    if (was_behind && !catch_up(fd))
        return;
    if (!was_behind && !ended && !(events & EPOLLIN))
        return;
    for (;;) {
        ssize_t received = recv(fd, chunk, sizeof chunk, 0);
        if (received < 0 && errno == EINTR)
            continue;
        if (received < 0 && errno == EAGAIN)
            return;
        if (received <= 0) {
            close_backend(fd);
            return;
        }
        ssize_t sent = send_to_proxy(fd, chunk, (size_t) received);
        if (sent < 0)
            return;
        if (sent < received) {
            backend[fd] = (backend_connection) { malloc((size_t) (received - sent)), 0, (size_t) (received - sent) };
            if (backend[fd].pending == NULL)
                fail("malloc");
            memcpy(backend[fd].pending, chunk + sent, (size_t) (received - sent));
            return;
        }
        // A short read says that the socket is drained; an end that was already seen tells no second time.
        if ((size_t) received < sizeof chunk && !ended && !was_behind)
            return;
    }
}

static void on_backend_event(uint32_t index, uint32_t events)
{
    int fd = (int) (index - backend_base);
    if (fd == backend_listener)
        accept_from_proxy();
    else
        serve_proxy(fd, events);
}
