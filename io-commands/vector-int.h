/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One command on several areas of memory, from its words to its report. */
#ifndef IO_COMMANDS_VECTOR_INT_H
#define IO_COMMANDS_VECTOR_INT_H

#include "io-commands/io-commands.h"

typedef struct Vector {
    const IoCommand *command;
    const char *options;
    const char *failed; /* what is said to have failed */
    bool is_write, is_aio;

    IoShell *shell;
    IoReport report;
    bool verbose, zeroes, invalid, unmap;
    int pattern; /* -1: none */
    ReqFlags flags;
    uint64_t offset, bytes;
    uint8_t *buf; /* NULL for zeroes */
    Iov iov;
    int ret;
    struct Vector *older; /* below it in shell->aio_ended */
} Vector;

/* Takes the command's words and makes its buffer, filled. @v: zeroed, but for
 * what is known of the command, @shell, no @pattern and an empty @iov; the
 * caller frees what it has. 0, or -1 after it said what is wrong. */
int io_vector_parse(Vector *v, int argc, char **argv);

#endif
