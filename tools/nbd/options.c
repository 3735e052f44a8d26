/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of `tidemark nbd`. What is checked, in what order and with
 * what words, is as in qemu-nbd 7.2.
 */
#include "tools/nbd/nbd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "block/graph/cache-mode.h"
#include "nbd/protocol.h"
#include "qapi/qapi-types.h"
#include "tools/img/img.h"
#include "tools/trace-option.h"

enum {
    OPT_CACHE = 256,
    OPT_AIO,
    OPT_DISCARD,
    OPT_DETECT_ZEROES,
    OPT_OBJECT,
    OPT_TLS_CREDS,
    OPT_TLS_AUTHZ,
    OPT_TLS_HOSTNAME,
    OPT_IMAGE_OPTS,
    OPT_FORK,
    OPT_PID_FILE,
    OPT_SELINUX_LABEL,
};

static const char letters[] = "hVb:o:p:rsnc:dvk:e:f:tl:x:T:D:AB:L";

static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"port", required_argument, NULL, 'p'},
    {"bind", required_argument, NULL, 'b'},
    {"socket", required_argument, NULL, 'k'},
    {"shared", required_argument, NULL, 'e'},
    {"persistent", no_argument, NULL, 't'},
    {"verbose", no_argument, NULL, 'v'},
    {"export-name", required_argument, NULL, 'x'},
    {"description", required_argument, NULL, 'D'},
    {"offset", required_argument, NULL, 'o'},
    {"allocation-depth", no_argument, NULL, 'A'},
    {"bitmap", required_argument, NULL, 'B'},
    {"list", no_argument, NULL, 'L'},
    {"object", required_argument, NULL, OPT_OBJECT},
    {"tls-creds", required_argument, NULL, OPT_TLS_CREDS},
    {"tls-authz", required_argument, NULL, OPT_TLS_AUTHZ},
    {"tls-hostname", required_argument, NULL, OPT_TLS_HOSTNAME},
    {"trace", required_argument, NULL, 'T'},
    {"fork", no_argument, NULL, OPT_FORK},
    {"pid-file", required_argument, NULL, OPT_PID_FILE},
    {"selinux-label", required_argument, NULL, OPT_SELINUX_LABEL},
    {"connect", required_argument, NULL, 'c'},
    {"disconnect", no_argument, NULL, 'd'},
    {"format", required_argument, NULL, 'f'},
    {"read-only", no_argument, NULL, 'r'},
    {"snapshot", no_argument, NULL, 's'},
    {"load-snapshot", required_argument, NULL, 'l'},
    {"nocache", no_argument, NULL, 'n'},
    {"cache", required_argument, NULL, OPT_CACHE},
    {"aio", required_argument, NULL, OPT_AIO},
    {"discard", required_argument, NULL, OPT_DISCARD},
    {"detect-zeroes", required_argument, NULL, OPT_DETECT_ZEROES},
    {"image-opts", no_argument, NULL, OPT_IMAGE_OPTS},
    {NULL, 0, NULL, 0},
};

/* --- single words --------------------------------------------------------- */

static bool take_cache(NbdTool *tool, const char *mode)
{
    if (tool->image.cache) {
        return nbd_tool_wrong("-n and --cache can only be specified once");
    }
    if (!cache_mode_find(mode)) {
        return nbd_tool_wrong("Invalid cache mode `%s'", mode);
    }
    tool->image.cache = mode;
    return true;
}

static bool take_aio(NbdTool *tool, const char *mode)
{
    if (tool->image.aio) {
        return nbd_tool_wrong("--aio can only be specified once");
    }
    if (strcmp(mode, "threads") && strcmp(mode, "native") &&
        strcmp(mode, "io_uring")) {
        return nbd_tool_wrong("Invalid aio mode '%s'", mode);
    }
    tool->image.aio = mode;
    return true;
}

static bool take_discard(NbdTool *tool, const char *mode)
{
    bool unmap = !strcmp(mode, "unmap") || !strcmp(mode, "on");

    if (tool->discard_given) {
        return nbd_tool_wrong("--discard can only be specified once");
    }
    tool->discard_given = true;
    if (!unmap && strcmp(mode, "ignore") && strcmp(mode, "off")) {
        return nbd_tool_wrong("Invalid discard mode `%s'", mode);
    }
    tool->image.unmap = unmap;
    return true;
}

static bool take_detect_zeroes(NbdTool *tool, const char *mode)
{
    BlockdevDetectZeroesOptions value;

    if (!BlockdevDetectZeroesOptions_parse(mode, &value)) {
        return nbd_tool_wrong(
            "Failed to parse detect_zeroes mode: invalid parameter "
            "value: %s",
            mode);
    }
    if (value == BLOCKDEV_DETECT_ZEROES_OPTIONS_UNMAP && !tool->image.unmap) {
        return nbd_tool_wrong(
            "setting detect-zeroes to unmap is not allowed without "
            "setting discard operation to unmap");
    }
    tool->image.detect_zeroes = mode;
    return true;
}

static bool take_offset(NbdTool *tool, const char *word)
{
    char *end;

    errno = 0;
    tool->offset_bytes = strtoull(word, &end, 0);
    if (end == word || *end || errno) {
        return nbd_tool_wrong("Invalid offset '%s'", word);
    }
    tool->has_offset = true;
    return true;
}

static bool take_max_clients(NbdTool *tool, const char *word)
{
    char *end;
    long n;

    errno = 0;
    n = strtol(word, &end, 0);
    if (end == word || *end || errno || n < 0 || n > INT_MAX) {
        return nbd_tool_wrong("Invalid shared device number '%s'", word);
    }
    tool->max_clients = n;
    return true;
}

static bool take_socket(NbdTool *tool, const char *path)
{
    if (path[0] != '/') {
        return nbd_tool_wrong("socket path must be absolute");
    }
    tool->socket = path;
    return true;
}

static bool take_text(const char **where, const char *what, const char *text)
{
    if (strlen(text) > NBD_MAX_STRING) {
        return nbd_tool_wrong("%s '%s' too long", what, text);
    }
    *where = text;
    return true;
}

static bool take_snapshot(NbdTool *tool, const char *text)
{
    if (!img_snapshot_name_check(text)) {
        return nbd_tool_wrong("Failed in parsing snapshot param `%s'", text);
    }
    tool->snapshot_inside = text;
    tool->read_only = true;
    return true;
}

static void print_version(void)
{
    printf("%s 7.2.22 (tidemark-%s)\n", error_program_name(), TIDEMARK_VERSION);
}

/* --- all words ------------------------------------------------------------ */

/* Those that only note something. */
static bool take_note(NbdTool *tool, int c)
{
    switch (c) {
    case 'p':
        tool->port = optarg;
        return true;
    case 'b':
        tool->bind = optarg;
        return true;
    case 't':
        tool->persistent = true;
        return true;
    case 'v':
        tool->verbose = true;
        return true;
    case 'A':
        tool->allocation_depth = true;
        return true;
    case 'B':
        g_ptr_array_add(tool->bitmaps, optarg);
        return true;
    case 'L':
        tool->list = true;
        return true;
    case 'f':
        tool->image.format = optarg;
        return true;
    case 'r':
        tool->read_only = true;
        return true;
    case 's':
        tool->temporary = true;
        return true;
    case 'c':
        tool->device = true;
        return true;
    case 'd':
        tool->disconnect = true;
        return true;
    case OPT_OBJECT:
        g_ptr_array_add(tool->objects, optarg);
        return true;
    case OPT_TLS_CREDS:
        tool->tls_creds = optarg;
        return true;
    case OPT_TLS_AUTHZ:
        tool->tls_authz = optarg;
        return true;
    case OPT_TLS_HOSTNAME:
        tool->tls_hostname = optarg;
        return true;
    case OPT_IMAGE_OPTS:
        tool->image.image_opts = true;
        return true;
    case OPT_FORK:
        tool->fork = true;
        return true;
    case OPT_PID_FILE:
        tool->pid_file = optarg;
        return true;
    default:
        return false;
    }
}

/* Those that may be wrong. */
static bool take_checked(NbdTool *tool, int c)
{
    switch (c) {
    case 'k':
        return take_socket(tool, optarg);
    case 'e':
        return take_max_clients(tool, optarg);
    case 'x':
        return take_text(&tool->name, "export name", optarg);
    case 'D':
        return take_text(&tool->description, "export description", optarg);
    case 'o':
        return take_offset(tool, optarg);
    case 'l':
        return take_snapshot(tool, optarg);
    case 'n':
        return take_cache(tool, "none");
    case OPT_CACHE:
        return take_cache(tool, optarg);
    case OPT_AIO:
        return take_aio(tool, optarg);
    case OPT_DISCARD:
        return take_discard(tool, optarg);
    case OPT_DETECT_ZEROES:
        return take_detect_zeroes(tool, optarg);
    case OPT_SELINUX_LABEL:
        return nbd_tool_wrong(
            "--selinux-label is not supported: give the process its "
            "label with runcon");
    case 'T':
        return trace_option_take(optarg, NULL) <= 0;
    default: /* getopt has said what it is */
        return nbd_tool_wrong("Try `%s --help' for more information.",
                              error_program_name());
    }
}

bool nbd_tool_parse(NbdTool *tool, int argc, char **argv, int *exit_code)
{
    int c;

    *tool = (NbdTool){
        .max_clients = 1,
        .objects = g_ptr_array_new(),
        .bitmaps = g_ptr_array_new(),
        .ready_fd = -1,
        .exit_code = 1,
    };
    optind = 0; /* makes glibc forget an earlier use */
    while ((c = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
        if (c == 'h' || c == 'V') {
            c == 'h' ? nbd_tool_print_help() : print_version();
            *exit_code = 0;
            return false;
        }
        if (!take_note(tool, c) && !take_checked(tool, c)) {
            *exit_code = 1;
            return false;
        }
    }
    tool->n_files = argc - optind;
    tool->image.filename = argv[optind];
    return true;
}

void nbd_tool_clear(NbdTool *tool)
{
    g_ptr_array_unref(tool->objects);
    g_ptr_array_unref(tool->bitmaps);
}
