/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `tidemark io`: the debugging shell for one image. */
#ifndef TOOLS_IO_IO_H
#define TOOLS_IO_IO_H

#include "block/io/io.h"
#include "tools/image-open.h"
#include "util/coroutine/sync.h"

/* The shell: at most one image is open. All in one coroutine on control. */
typedef struct IoShell {
    Root *root;         /* NULL: none is open */
    ImageOpen defaults; /* what the command line said, for `open` */
    bool read_only, writethrough;
    bool quit;
    CoCount aio; /* requests behind the commands */
} IoShell;

typedef struct IoCommand {
    const char *name;
    int min_args, max_args; /* max -1: no bound */
    bool needs_image;
    bool writes;                            /* takes write permission first */
    const char *arguments, *purpose, *help; /* help may be NULL */
    /* 0, or -1 after it said what is wrong. */
    int (*co_run)(IoShell *shell, int argc, char **argv);
} IoCommand;

extern const IoCommand io_command_read, io_command_write, io_command_discard,
    io_command_flush, io_command_length, io_command_map, io_command_help,
    io_command_open, io_command_close, io_command_quit, io_command_truncate,
    io_command_readv, io_command_writev, io_command_aio_read,
    io_command_aio_write, io_command_aio_flush, io_command_break,
    io_command_remove_break, io_command_resume, io_command_wait_break,
    io_command_sleep, io_command_abort, io_command_sigraise, io_command_alloc;

/* All, in alphabetical order; NULL ends. */
extern const IoCommand *const io_commands[];

/* Splits @line at blanks and runs it. 0, or -1 if it failed. An empty line is
 * fine. */
int co_io_run_line(IoShell *shell,
                   const char *line) COROUTINE_ONLY CONTROL_ONLY;
void io_print_usage(const IoCommand *command);

/* Opens @path (NULL: the one given on the command line) as @open says; 0 or
 * -1, reported. */
int co_io_open_image(IoShell *shell,
                     const ImageOpen *open) COROUTINE_ONLY CONTROL_ONLY;
void co_io_close_image(IoShell *shell) COROUTINE_ONLY CONTROL_ONLY;

/* --- what commands share ---------------------------------------------------
 */

#define IO_MAX_BYTES UINT64_C(2147483136) /* one buffered request */

/* A number with suffix; -1 after the report. */
int io_parse_number(const char *word, uint64_t *value);
/* A byte value 0..255; -1 after the report. */
int io_parse_pattern(const char *word, int *pattern);

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
