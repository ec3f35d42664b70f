/* libcurl with one reused easy handle: PROGRAM MODE URL N [FILE], see bench/rust/src/lib.rs. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static char *body;
static size_t filled, capacity;

static size_t keep(char *data, size_t size, size_t count, void *unused) {
    size_t length = size * count;
    (void)unused;
    if (filled + length > capacity) {
        capacity = (filled + length) * 2;
        body = realloc(body, capacity);
        if (!body) return 0;
    }
    memcpy(body + filled, data, length);
    filled += length;
    return length;
}

static size_t discard(char *data, size_t size, size_t count, void *unused) {
    (void)data;
    (void)unused;
    return size * count;
}

static double wall(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static double cpu(void) {
    unsigned long long nanos = 0;
    FILE *file = fopen("/proc/self/schedstat", "r");
    if (file) {
        if (fscanf(file, "%llu", &nanos) != 1) nanos = 0;
        fclose(file);
    }
    return nanos / 1e9;
}

static long peak(void) {
    char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) sscanf(line, "VmHWM: %ld", &kib);
    if (file) fclose(file);
    return kib;
}

static void request(CURL *curl, const char *mode, const char *path) {
    FILE *file = NULL;
    filled = 0;
    if (!strcmp(mode, "file")) {
        file = fopen(path, "wb");
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, file);
    } else if (!strcmp(mode, "upload")) {
        struct stat about;
        file = fopen(path, "rb");
        if (!file || fstat(fileno(file), &about)) exit(2);
        curl_easy_setopt(curl, CURLOPT_READDATA, file);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)about.st_size);
    }
    CURLcode code = curl_easy_perform(curl);
    if (file) fclose(file);
    if (code != CURLE_OK) {
        fprintf(stderr, "libcurl: %s\n", curl_easy_strerror(code));
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    const char *mode = argv[1], *path = argc > 4 ? argv[4] : "";
    long count = atol(argv[3]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, argv[2]);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    /* Else it sets and restores a signal handler around each request; a program that cares turns that off. */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (getenv("BENCH_CA")) curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("BENCH_CA"));
    if (!strcmp(mode, "file") || !strcmp(mode, "sink")) curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 512L * 1024);
    if (!strcmp(mode, "upload")) {
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
    }
    if (!strcmp(mode, "sink"))
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
    else if (strcmp(mode, "file"))
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    request(curl, mode, path);
    double begun = wall(), used = cpu();
    for (long i = 0; i < count; i++) request(curl, mode, path);
    printf("%.6f %.6f %ld\n", wall() - begun, cpu() - used, peak());
    curl_easy_cleanup(curl);
    return 0;
}
