/* libcurl's multi interface, driven by its socket callbacks over epoll, the way it is meant for many transfers:
   PROGRAM MODE URL N, with the modes `flight-K` and `waiting` of bench/rust/src/network.rs. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

static CURLM *multi;
static int poller;
static long wait_ms = -1;

static double clock_of(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static long kib(const char *path, const char *format) {
    char line[256];
    long found = 0;
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) sscanf(line, format, &found);
    if (file) fclose(file);
    return found;
}

static size_t discard(char *data, size_t size, size_t count, void *unused) {
    (void)data;
    (void)unused;
    return size * count;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *unused, void *known) {
    struct epoll_event event = {0};
    (void)easy;
    (void)unused;
    event.data.fd = socket;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(poller, EPOLL_CTL_DEL, socket, NULL);
        return 0;
    }
    if (what & CURL_POLL_IN) event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
    epoll_ctl(poller, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event);
    if (!known) curl_multi_assign(multi, socket, &poller);
    return 0;
}

static int on_timer(CURLM *unused, long milliseconds, void *also_unused) {
    (void)unused;
    (void)also_unused;
    wait_ms = milliseconds;
    return 0;
}

static void start(const char *url) {
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
    curl_multi_add_handle(multi, curl);
}

/* Waits once and does what can be done; the handles that have ended leave the multi handle and come back in `ended`. */
static long turn(CURL **ended, long most) {
    struct epoll_event ready[1024];
    int running, left;
    int count = epoll_wait(poller, ready, 1024, (int)wait_ms);
    if (count == 0) curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    for (int i = 0; i < count; i++) {
        int what = 0;
        if (ready[i].events & (EPOLLIN | EPOLLHUP)) what |= CURL_CSELECT_IN;
        if (ready[i].events & EPOLLOUT) what |= CURL_CSELECT_OUT;
        if (ready[i].events & EPOLLERR) what |= CURL_CSELECT_ERR;
        curl_multi_socket_action(multi, ready[i].data.fd, what, &running);
    }
    long done = 0;
    CURLMsg *message;
    while (done < most && (message = curl_multi_info_read(multi, &left))) {
        if (message->data.result != CURLE_OK) {
            fprintf(stderr, "libcurl: %s\n", curl_easy_strerror(message->data.result));
            exit(1);
        }
        ended[done] = message->easy_handle;
        curl_multi_remove_handle(multi, ended[done++]);
    }
    return done;
}

static void flight(const char *url, long width, long count) {
    CURL **ended = calloc(width, sizeof *ended);
    CURL **idle = calloc(width, sizeof *idle);
    long warm = 0, started = 0, done = 0;
    for (long i = 0; i < width; i++) start(url);
    while (warm < width) {
        long some = turn(ended, width);
        memcpy(idle + warm, ended, some * sizeof *idle);
        warm += some;
    }
    double begun = clock_of(CLOCK_MONOTONIC), used = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    for (; started < width && started < count; started++) curl_multi_add_handle(multi, idle[started]);
    while (done < count) {
        long some = turn(ended, width);
        done += some;
        for (long i = 0; i < some && started < count; i++, started++) curl_multi_add_handle(multi, ended[i]);
    }
    printf("%.6f %.6f %ld\n", clock_of(CLOCK_MONOTONIC) - begun, clock_of(CLOCK_PROCESS_CPUTIME_ID) - used,
           kib("/proc/self/status", "VmHWM: %ld"));
}

static void waiting(const char *root, long count) {
    char hold[256], until[256];
    CURL *ended[2];
    snprintf(hold, sizeof hold, "%shold", root);
    snprintf(until, sizeof until, "%suntil/0", root);
    start(until);
    while (!turn(ended, 1)) {}
    long before = kib("/proc/self/smaps_rollup", "Rss: %ld");
    snprintf(until, sizeof until, "%suntil/%ld", root, count);
    start(until);
    for (long i = 0; i < count; i++) start(hold);
    while (!turn(ended, 1)) {}
    printf("%ld %ld %ld\n", before * 1024, kib("/proc/self/smaps_rollup", "Rss: %ld") * 1024, count);
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    long count = atol(argv[3]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    poller = epoll_create1(EPOLL_CLOEXEC);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    /* Else it would close what exceeds four times the running transfers, and a burst of ends would cost connections. */
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 20000L);
    if (!strncmp(argv[1], "flight-", 7))
        flight(argv[2], atol(argv[1] + 7), count);
    else if (!strcmp(argv[1], "waiting"))
        waiting(argv[2], count);
    else
        return 2;
    return 0;
}
