/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of a sub-command as a table: it is parsed and explained
 * from the same lines.
 *
 * Invariant: what is wrong is reported once, in QEMU's words.
 */
#ifndef TOOLS_IMG_ARGS_H
#define TOOLS_IMG_ARGS_H

#include "util/annotations.h"
#include "util/common.h"

/* One option. Of @flag, @word and @take one is set: a flag that becomes true,
 * a word that the last one given decides, or a function that hears every one
 * and returns -1 to go on, else the exit status, after it reported what is
 * wrong. */
typedef struct ImgOption {
    char letter;       /* 0: none */
    const char *name;  /* long name, or NULL */
    const char *value; /* what stands for its argument in help; NULL: none */
    const char *help;
    bool *flag;
    const char **word;
    int (*take)(void *opaque, const char *word);
    void *opaque; /* for @take */
} ImgOption;

typedef struct ImgUsage {
    const char *names; /* what follows the options: "FILE [SIZE]" */
    const char *purpose;
    const ImgOption *options; /* ends with an empty line */
    const char *more;         /* at the end of the help; NULL: nothing */
} ImgUsage;

/* Parses up to the first word that is no option: its index is in `optind`,
 * words are moved behind the options. -1: go on; else the exit status. Objects
 * (--object) are made at once. */
int co_img_args(const ImgUsage *usage, int argc, char **argv) COROUTINE_ONLY;

/* For tables. */
int co_img_take_object(void *opaque,
                       const char *word) COROUTINE_ONLY CONTROL_ONLY;

#define IMG_OPTION_OBJECT                                              \
    {                                                                  \
        0, "object", "OBJECT", "make an object that options refer to", \
            .take = co_img_take_object                                 \
    }
#define IMG_OPTION_FORMAT(where)                                          \
    {                                                                     \
        'f', "format", "FMT", "format of the image; probed if not given", \
            .word = (where)                                               \
    }
#define IMG_OPTION_IMAGE_OPTS(where)                                           \
    {                                                                          \
        0, "image-opts", NULL, "FILE is an option string: driver=...,file...", \
            .flag = (where)                                                    \
    }
#define IMG_OPTION_FORCE_SHARE(where)                                        \
    {                                                                        \
        'U', "force-share", NULL, "open it although others may write to it", \
            .flag = (where)                                                  \
    }
#define IMG_OPTION_QUIET(where)                               \
    {                                                         \
        'q', NULL, NULL, "print errors only", .flag = (where) \
    }
#define IMG_OPTION_PROGRESS(where)                        \
    {                                                     \
        'p', NULL, NULL, "show progress", .flag = (where) \
    }
#define IMG_OPTION_OUTPUT(where)                                      \
    {                                                                 \
        0, "output", "human|json", "how to print it", .word = (where) \
    }
#define IMG_OPTION_CACHE(where)                                    \
    {                                                              \
        't', NULL, "CACHE",                                        \
            "none, writeback, writethrough, directsync or unsafe", \
            .word = (where)                                        \
    }
#define IMG_OPTION_SOURCE_CACHE(where)                                    \
    {                                                                     \
        'T', NULL, "CACHE", "cache mode of what is read", .word = (where) \
    }

#endif
