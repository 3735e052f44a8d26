/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `img create`: makes a raw image. Nothing is written before all options are
 * understood. An existing file is emptied first, as QEMU's tool does, unless
 * another program uses it.
 */
#include "tools/img/img.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "block/file/file-lock.h"
#include "tools/size-text.h"
#include "util/json/json-keyval.h"

#define FIRST_BLOCK 4096

typedef enum Preallocation {
    PREALLOC_UNSET,
    PREALLOC_OFF,
    PREALLOC_FALLOC,
    PREALLOC_FULL,
} Preallocation;

typedef struct Create {
    const char *format, *filename, *options, *size_word;
    bool quiet, backing;
    bool has_size;
    uint64_t size_bytes;
    Preallocation preallocation;
    char *preallocation_word;
} Create;

static bool parse_size(const char *word, uint64_t *bytes)
{
    switch (size_text_parse(word, bytes)) {
    case SIZE_OK:
        return true;
    case SIZE_TOO_LARGE:
        if (word[0] != '-') {
            error_report("Invalid image size specified. Must be between 0 and "
                         "%" PRId64 ".",
                         INT64_MAX);
            return false;
        }
        /* fall through */
    case SIZE_INVALID:
        break;
    }
    img_size_error("image size");
    return false;
}

/* Checked late, where QEMU's tool does: after the line "Formatting ...". */
static bool parse_preallocation(Create *create)
{
    static const char *const words[] = {
        [PREALLOC_OFF] = "off",
        [PREALLOC_FALLOC] = "falloc",
        [PREALLOC_FULL] = "full",
    };
    const char *word = create->preallocation_word;
    int i;

    for (i = PREALLOC_OFF; word && i <= PREALLOC_FULL; i++) {
        if (!strcmp(words[i], word)) {
            create->preallocation = i;
            return true;
        }
    }
    if (word && !strcmp(word, "metadata")) {
        error_report("%s: Unsupported preallocation mode: %s", create->filename,
                     word);
    } else if (word) {
        error_report("%s: invalid parameter value: %s", create->filename, word);
    }
    return !word;
}

static bool take_option(Create *create, const char *key, const char *value)
{
    if (!strcmp(key, "size")) {
        create->has_size = true;
        return parse_size(value, &create->size_bytes);
    }
    if (!strcmp(key, "preallocation")) {
        g_free(create->preallocation_word);
        create->preallocation_word = g_strdup(value);
        return true;
    }
    error_report("%s: Invalid parameter '%s'", create->filename, key);
    return false;
}

static bool parse_options(Create *create)
{
    Error *err = NULL;
    json_object *options;
    bool ok = true;

    options = json_keyval_parse(create->options, NULL, NULL, &err);
    if (!options) {
        error_prepend(&err, "%s: ", create->filename);
        error_report_err(err);
        return false;
    }
    json_object_object_foreach(options, key, value)
    {
        if (!json_object_is_type(value, json_type_string)) {
            error_report("%s: Invalid parameter '%s'", create->filename, key);
            ok = false;
        } else {
            ok = take_option(create, key, json_object_get_string(value));
        }
        if (!ok) {
            break;
        }
    }
    json_object_put(options);
    return ok;
}

/* The command line into @create; -1 to go on, else the exit status. */
static int parse_arguments(Create *create, int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, ":f:o:b:F:qu",
                                 (struct option[]){{"help", 0, 0, 'h'}, {}},
                                 NULL)) != -1) {
        switch (option) {
        case 'h':
            img_help();
            return 0;
        case 'f':
            create->format = optarg;
            break;
        case 'o':
            create->options = optarg;
            break;
        case 'b':
        case 'F':
            create->backing = true;
            break;
        case 'q':
            create->quiet = true;
            break;
        case 'u':
            break; /* about backing files, which raw has not */
        default:
            return img_option_error(option, argv);
        }
    }
    if (optind >= argc) {
        return img_usage_error("Expecting image file name");
    }
    create->filename = argv[optind++];
    create->size_word = optind < argc ? argv[optind++] : NULL;
    if (optind < argc) {
        return img_usage_error("Unexpected argument: %s", argv[optind]);
    }
    return -1;
}

/* Everything the words say, checked; reports what is wrong. */
static bool understand(Create *create)
{
    if (create->size_word) {
        create->has_size = true;
        if (!parse_size(create->size_word, &create->size_bytes)) {
            return false;
        }
    }
    if (strcmp(create->format, "raw")) {
        error_report("%s: Unknown file format '%s'", create->filename,
                     create->format);
        return false;
    }
    if (create->options && !parse_options(create)) {
        return false;
    }
    if (create->backing) {
        error_report("%s: Backing file not supported for file format 'raw'",
                     create->filename);
        return false;
    }
    if (!create->has_size) {
        error_report("%s: Image creation needs a size parameter",
                     create->filename);
        return false;
    }
    return true;
}

/* On a worker thread: sizes the file and gives it its space. 0 or -errno. */
typedef struct Allocate {
    int fd;
    uint64_t size_bytes;
    Preallocation preallocation;
} Allocate;

static int write_zeroes(int fd, uint64_t bytes)
{
    static const char zeroes[64 * 1024];
    uint64_t at;

    for (at = 0; at < bytes;) {
        ssize_t n = pwrite(fd, zeroes, MIN(sizeof(zeroes), bytes - at), at);

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        at += MAX(n, 0);
    }
    return 0;
}

static int64_t allocate(void *opaque)
{
    const Allocate *a = opaque;
    int ret;

    if (ftruncate(a->fd, 0) < 0 || ftruncate(a->fd, a->size_bytes) < 0) {
        return -errno;
    }
    switch (a->size_bytes ? a->preallocation : PREALLOC_OFF) {
    case PREALLOC_FALLOC:
        ret = -posix_fallocate(a->fd, 0, a->size_bytes);
        break;
    case PREALLOC_FULL:
        ret = write_zeroes(a->fd, a->size_bytes);
        return ret < 0 ? ret : fsync(a->fd) < 0 ? -errno : 0;
    default:
        ret = 0;
    }
    /* The first block is always there, so that programs that probe the
     * alignment of direct I/O by reading it meet real storage. */
    return ret < 0 ? ret : write_zeroes(a->fd, MIN(a->size_bytes, FIRST_BLOCK));
}

static bool co_make_file(const Create *create)
{
    int fd = io_open(create->filename, O_RDWR | O_CREAT, 0644);
    Allocate work = {fd, ROUND_UP(create->size_bytes, 512),
                     create->preallocation};
    Error *err = NULL;
    int ret;

    if (fd < 0) {
        error_report("%s: Could not create '%s': %s", create->filename,
                     create->filename, strerror(-fd));
        return false;
    }
    if (!file_lock_for_create(fd, create->filename, &err)) {
        error_prepend(&err, "%s: ", create->filename);
        error_report_err(err);
        io_close(fd);
        return false;
    }
    ret = co_worker_run(allocate, &work);
    io_close(fd);
    if (ret == -EFBIG) {
        error_report("%s: The image size is too large for file format 'raw'",
                     create->filename);
        return false;
    }
    if (ret < 0) {
        error_report("%s: Could not resize file: %s", create->filename,
                     strerror(-ret));
        return false;
    }
    return true;
}

static void announce(const Create *create)
{
    printf("Formatting '%s', fmt=raw size=%" PRIu64 "%s%s\n", create->filename,
           create->size_bytes,
           create->preallocation_word ? " preallocation=" : "",
           create->preallocation_word ? create->preallocation_word : "");
    fflush(stdout);
}

int co_img_create(int argc, char **argv)
{
    Create create = {.format = "raw"};
    int status = parse_arguments(&create, argc, argv);

    if (status < 0) {
        status = 1;
        if (understand(&create)) {
            if (!create.quiet) {
                announce(&create);
            }
            if (parse_preallocation(&create) && co_make_file(&create)) {
                status = 0;
            }
        }
    }
    g_free(create.preallocation_word);
    return status;
}
