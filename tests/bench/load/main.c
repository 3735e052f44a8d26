/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nbd-load: puts load on an NBD export and prints one line of JSON.
 *
 *   nbd-load fill FILE BYTES        makes a disk that holds the pattern
 *   nbd-load [options] SOCKET       runs
 */
#include "tests/bench/load/load.h"

#include "tests/bench/load/pattern.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "nbd-load: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}

/* --- files --------------------------------------------------------------- */

static int fill_file(const char *path, uint64_t bytes)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    g_autofree char *buf = g_malloc(MiB);

    if (fd < 0) {
        fail("%s: %s", path, strerror(errno));
    }
    for (uint64_t at = 0; at < bytes; at += MiB) {
        size_t n = MIN(MiB, bytes - at);

        pattern_fill(buf, at, n, 0);
        if (pwrite(fd, buf, n, at) != (ssize_t)n) {
            fail("%s: %s", path, strerror(errno));
        }
    }
    close(fd);
    return 0;
}

/* Everything that was written is in the file behind the export. */
static void check_file(const Load *load, const char *path)
{
    g_autofree char *buf = g_malloc(load->block_bytes);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        fail("%s: %s", path, strerror(errno));
    }
    for (uint64_t i = 0; i < load->size_bytes / load->block_bytes; i++) {
        uint64_t at = i * load->block_bytes;

        if (load->written[i] &&
            (pread(fd, buf, load->block_bytes, at) != load->block_bytes ||
             !pattern_check(buf, at, load->block_bytes, load->version, 8))) {
            fail("what was written at %" PRIu64 " is not in %s", at, path);
        }
    }
    close(fd);
}

/* --- the run ------------------------------------------------------------- */

/* Nothing is in flight and nothing more is to be asked for. */
static bool is_over(const Load *load, Conn *const *conns)
{
    for (unsigned i = 0; i < load->connections; i++) {
        if (!conn_idle(conns[i])) {
            return false;
        }
    }
    return !load_goes_on(load);
}

/* Until something comes, or may be sent. */
static void wait(const Load *load, struct pollfd *fds)
{
    int64_t ns = load->rate && load_goes_on(load)
                     ? MAX(load_next_ns(load) - now_ns(), 1000)
                     : 10 * INT64_C(1000000000);
    struct timespec ts = {ns / 1000000000, ns % 1000000000};

    if (ppoll(fds, load->connections, &ts, NULL) == 0 && !load->rate) {
        fail("no reply for 10 seconds");
    }
}

static void run(Load *load, Conn *const *conns)
{
    struct pollfd fds[64];

    do {
        for (unsigned i = 0; i < load->connections; i++) {
            conn_push(conns[i]);
            fds[i] = (struct pollfd){
                .fd = conn_fd(conns[i]),
                .events = POLLIN | (conn_wants_write(conns[i]) ? POLLOUT : 0),
            };
        }
        wait(load, fds);
        if (load->rate && now_ns() >= load->end_ns) {
            load->requests_left = 0;
        }
        for (unsigned i = 0; i < load->connections; i++) {
            if (fds[i].revents & ~POLLOUT) {
                conn_pull(conns[i]);
            }
        }
    } while (!is_over(load, conns));
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return x < y ? -1 : x > y;
}

/* Of all latencies the one that @part of them do not exceed. */
static double percentile(const Load *load, double part)
{
    guint n = load->latencies->len;

    return n ? g_array_index(load->latencies, float, (guint)((n - 1) * part))
             : 0;
}

static double cpu_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void run_and_print(Load *load, double seconds, const char *file)
{
    Conn *conns[64];
    int64_t start;
    double cpu;

    for (unsigned i = 0; i < load->connections; i++) {
        conns[i] = conn_new(load, i);
    }
    load->written = g_malloc0(load->command == NBD_CMD_WRITE
                                  ? load->size_bytes / load->block_bytes
                                  : 1);
    cpu = cpu_seconds();
    load->latencies = g_array_new(FALSE, FALSE, sizeof(float));
    load->start_ns = start = load->last_reply_ns = now_ns();
    load->end_ns = start + (int64_t)(seconds * 1e9);
    run(load, conns);
    g_array_sort(load->latencies, compare);
    printf("{\"requests\": %" PRIu64 ", \"seconds\": %.6f, \"gap_us\": %.1f, "
           "\"p50_us\": %.1f, \"p99_us\": %.1f, \"client_cpu\": %.6f}\n",
           load->done, (load->last_reply_ns - start) / 1e9,
           load->longest_gap_ns / 1e3, percentile(load, 0.5),
           percentile(load, 0.99), cpu_seconds() - cpu);
    g_array_unref(load->latencies);
    for (unsigned i = 0; i < load->connections; i++) {
        conn_free(conns[i]);
    }
    if (file) {
        check_file(load, file);
    }
    g_free(load->written);
}

static NbdCommand command_of(const char *name)
{
    if (!strcmp(name, "read")) {
        return NBD_CMD_READ;
    }
    if (!strcmp(name, "write")) {
        return NBD_CMD_WRITE;
    }
    if (!strcmp(name, "zero")) {
        return NBD_CMD_WRITE_ZEROES;
    }
    if (!strcmp(name, "trim")) {
        return NBD_CMD_TRIM;
    }
    fail("unknown operation '%s'", name);
}

int main(int argc, char **argv)
{
    int block = 4096, depth = 32, connections = 1, version = 0, rate = 0;
    gboolean sequential = false, simple = false, no_data = false;
    g_autofree char *op = g_strdup("read"), *name = g_strdup("");
    g_autofree char *file = NULL;
    gint64 requests = INT64_MAX;
    double seconds = 1e6;
    const GOptionEntry entries[] = {
        {"op", 0, 0, G_OPTION_ARG_STRING, &op, "What to do",
         "read|write|zero|trim"},
        {"export", 0, 0, G_OPTION_ARG_STRING, &name, "Its name", "NAME"},
        {"block", 0, 0, G_OPTION_ARG_INT, &block, "Size", "BYTES"},
        {"depth", 0, 0, G_OPTION_ARG_INT, &depth, "In flight", "N"},
        {"connections", 0, 0, G_OPTION_ARG_INT, &connections, "", "N"},
        {"version", 0, 0, G_OPTION_ARG_INT, &version, "Of the data", "N"},
        {"seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds, "How long", "S"},
        {"requests", 0, 0, G_OPTION_ARG_INT64, &requests, "How many", "N"},
        {"rate", 0, 0, G_OPTION_ARG_INT, &rate, "A second, at most", "N"},
        {"sequential", 0, 0, G_OPTION_ARG_NONE, &sequential, "", NULL},
        {"simple", 0, 0, G_OPTION_ARG_NONE, &simple, "Simple replies", NULL},
        {"no-data", 0, 0, G_OPTION_ARG_NONE, &no_data, "A null disk", NULL},
        {"check", 0, 0, G_OPTION_ARG_STRING, &file,
         "Look for the written data in this file", "FILE"},
        {NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("SOCKET");
    g_autoptr(GError) err = NULL;

    if (argc == 4 && !strcmp(argv[1], "fill")) {
        return fill_file(argv[2], g_ascii_strtoull(argv[3], NULL, 10));
    }
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &err) || argc != 2) {
        fail("%s", err ? err->message : "a socket is needed");
    }
    if (block < 512 || block % 512 || depth < 1 || depth > 65536 ||
        connections < 1 || connections > 64) {
        fail("a number is out of its bounds");
    }
    run_and_print(
        &(Load){
            .socket_path = argv[1],
            .export_name = name,
            .command = command_of(op),
            .block_bytes = block,
            .depth = depth,
            .connections = connections,
            .sequential = sequential,
            .simple = simple,
            .no_data = no_data,
            .version = version,
            .requests_left = requests,
            .rate = MAX(rate, 0),
        },
        seconds, file);
    return 0;
}
