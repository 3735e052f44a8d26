/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of qemu-io on one root: of an image that a tool has opened, of
 * a device, or of a node of a running process.
 *
 * Invariants:
 * 1. Results go to standard output. Complaints of the block layer go to who
 *    gave the command (IoShell.say): the tool's standard error, a monitor.
 * 2. A request behind the commands (aio_*) keeps its IoShell: it is freed only
 *    when IoShell.aio is zero.
 * 3. A command takes the permissions that it needs when it is run, and they
 *    stay: what it writes may still be under way.
 * All on control. Words of help and errors are qemu-io 7.2's.
 */
#ifndef IO_COMMANDS_IO_COMMANDS_H
#define IO_COMMANDS_IO_COMMANDS_H

#include "block/backend/backend.h"
#include "block/io/io.h"
#include "util/coroutine/sync.h"

typedef struct IoShell IoShell;

typedef struct IoCommand {
    const char *name;
    int min_args, max_args; /* max -1: no bound */
    bool needs_image;
    Perms perms;                            /* it takes these first */
    const char *arguments, *purpose, *help; /* help may be NULL */
    /* 0, or -1 after it said what is wrong. */
    int (*co_run)(IoShell *shell, int argc, char **argv);
} IoCommand;

struct IoShell {
    Root *root;       /* NULL: none is open */
    Backend *backend; /* whose root it is; NULL: of nobody */
    bool writethrough;
    const IoCommand *const *own; /* commands of the user's, in alphabetical
                                  * order; NULL ends; may be NULL */
    /* Gets lines of text. */
    void (*say)(IoShell *shell, const char *text);
    /* Gets what info shows of the format; NULL: standard output does. */
    void (*show)(IoShell *shell, const char *text);
    void *opaque;
    CoCount aio;              /* requests behind the commands */
    bool aio_starting;        /* one is on its first steps */
    struct Vector *aio_ended; /* those that ended with that, newest first */
};

extern const IoCommand io_command_abort, io_command_aio_flush,
    io_command_aio_read, io_command_aio_write, io_command_alloc,
    io_command_break, io_command_discard, io_command_flush, io_command_help,
    io_command_info, io_command_length, io_command_map, io_command_read,
    io_command_readv, io_command_remove_break, io_command_reopen,
    io_command_resume, io_command_sigraise, io_command_sleep,
    io_command_truncate, io_command_wait_break, io_command_write,
    io_command_writev;

/* Once, before its first line. */
void io_shell_init(IoShell *shell);
/* Splits @line at blanks and runs it. 0, or -1 if it failed. An empty line is
 * fine. */
int co_io_run_line(IoShell *shell,
                   const char *line) COROUTINE_ONLY CONTROL_ONLY;

/* --- what commands share --------------------------------------------------*/

void io_print_usage(const IoCommand *command);
/* Hands @err's text to shell->say and frees it. */
void io_say_error(IoShell *shell, Error *err);
/* Waits until no shell has requests behind its commands. */
void co_io_wait_idle(void) COROUTINE_ONLY CONTROL_ONLY;
/* A command had @ret from the image: who waits for a disk, however short, is
 * told first what ended before. */
void co_io_settle_behind(IoShell *shell, int ret) COROUTINE_ONLY CONTROL_ONLY;
/* A request behind the commands begins and ends. */
void io_aio_begin(IoShell *shell);
void io_aio_end(IoShell *shell);

#define IO_MAX_BYTES UINT64_C(2147483136) /* one buffered request */

/* A number with suffix; -1 after the report. */
int io_parse_number(const char *word, uint64_t *value);
/* A byte value 0..255; -1 after the report. */
int io_parse_pattern(const char *word, int *pattern);

/* Both are of whole sectors: 0; -1 after the report. */
int io_check_sectors(uint64_t offset, uint64_t bytes);

/* Memory that suits @root's node, if it has one; NULL: there is none. */
uint8_t *io_command_buffer(Root *root, uint64_t bytes);

/* All of @buf is @pattern: 0, or -1 after the report. @offset: where it was
 * read. */
int io_check_pattern(const uint8_t *buf, uint64_t bytes, int pattern,
                     uint64_t offset);
/* Shows bytes that were read at @offset. */
void io_dump(const uint8_t *buf, uint64_t offset, uint64_t bytes);

typedef struct IoReport {
    bool machine; /* -C: comma separated */
    bool quiet;   /* -q */
    int64_t start_ns;
} IoReport;

void io_report_begin(IoReport *report);
/* "wrote 512/512 bytes at offset 0" and the rates. */
void io_report_end(const IoReport *report, const char *verb, uint64_t offset,
                   uint64_t done_bytes, uint64_t bytes);

#endif
