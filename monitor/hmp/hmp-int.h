/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commands of HMP are made of: for the files of monitor/hmp only. */
#ifndef MONITOR_HMP_HMP_INT_H
#define MONITOR_HMP_HMP_INT_H

#include <json-c/json.h>

#include "monitor/hmp/hmp.h"
#include "util/common.h"
#include "util/error.h"

/* Where one line's output goes. */
typedef struct Hmp {
    GString *out;
    /* To be set if no line is taken until the migration that the command began
     * is over; NULL: there is nobody who could wait. */
    bool *waits;
} Hmp;

/* What a word of a command is, and how it is kept among the arguments. */
typedef enum HmpType {
    HMP_END,
    HMP_STRING,      /* "string expected" */
    HMP_DEVICE,      /* "block device name expected"; a string */
    HMP_FILENAME,    /* "filename expected"; a string */
    HMP_REST,        /* the rest of the line, a string */
    HMP_OPTIONS,     /* a word of key=value; a string if it is there */
    HMP_INT,         /* an expression of 32 bits */
    HMP_LONG,        /* of 64 bits */
    HMP_MEGABYTES,   /* the same; in bytes */
    HMP_SIZE,        /* megabytes, or with a suffix; in bytes */
    HMP_FORMAT,      /* /x and the like: the letter, which is kept */
    HMP_SWITCH,      /* "on" or "off"; a boolean */
    HMP_FLAG,        /* -x: true if it is there */
    HMP_FLAG_STRING, /* -x WORD: the word if it is there */
} HmpType;

typedef struct HmpArg {
    const char *name;
    HmpType type;
    bool optional;
    char flag; /* of the last two */
} HmpArg;

#define HMP_ARGS_MAX 13

/* Why several commands are refused; for HmpCommand.refused. */
#define HMP_NO_MEMORY "this machine has no memory, as it has no guest"
#define HMP_NO_PROCESSOR "this machine has no guest that a processor would run"
#define HMP_NO_VIEWER "this machine has no guest that would see it"
#define HMP_NO_PORTS "this machine has no ports, as it has no guest"

typedef struct HmpCommand HmpCommand;
struct HmpCommand {
    const char *name; /* "stop|s": either */
    HmpArg args[HMP_ARGS_MAX];
    const char *params, *help;
    /* The command of QMP that takes the arguments as they are; or */
    const char *qmp;
    /* what is done with them. */
    void (*co_run)(Hmp *hmp, json_object *args);
    /* Or only said: @bare (NULL: as on others) on a machine without processors,
     * on others @answer or, if there is none, why the machine cannot. */
    const char *bare, *answer, *refused;
    const HmpCommand *const *sub; /* of "info"; NULL ends */
};

/* All, in alphabetical order; NULL ends. */
extern const HmpCommand *const hmp_commands[];
extern const HmpCommand *const hmp_info_commands[];

/* The command that @word names in @list, or NULL. */
const HmpCommand *hmp_find(const HmpCommand *const *list, const char *word);

/* The help on all, or on the command that @topic names. */
void hmp_help(Hmp *hmp, const char *topic);

/* quit has been run: no prompt comes any more. */
bool hmp_quits(void);

/* --- parse.c ------------------------------------------------------------- */

/* Takes the word at *@p (quoted, or up to a blank) and goes behind it; NULL if
 * there is none. The caller frees it. */
char *hmp_take_word(const char **p);
/* The arguments of @command from @p on; NULL after it said what is wrong.
 * @line is the whole line. */
json_object *hmp_parse(Hmp *hmp, const HmpCommand *command, const char *line,
                       const char *p);

/* --- expression.c -------------------------------------------------------- */

/* The value of the expression at *@p, of C's operators without the logical
 * ones, and goes behind it. False after it said what is wrong. */
bool hmp_expression(Hmp *hmp, const char **p, int64_t *value);

/* --- call.c -------------------------------------------------------------- */

void hmp_printf(Hmp *hmp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* "Error: TEXT" and its hint, if there is an error; frees it. */
void hmp_error(Hmp *hmp, Error *err);

/* Runs a command of QMP; @args become the callee's. False after the error was
 * printed. *@ret (may be NULL) is the caller's. */
bool co_hmp_call(Hmp *hmp, const char *name, json_object *args,
                 json_object **ret) COROUTINE_ONLY CONTROL_ONLY;
/* The same, with the error for the caller. */
bool co_hmp_try(const char *name, json_object *args, json_object **ret,
                Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* An object of keys and values, NULL ends. Values that are NULL are left out,
 * others become the object's. */
json_object *hmp_object(const char *key, ...) G_GNUC_NULL_TERMINATED;
/* NULL of NULL. */
json_object *hmp_new_string(const char *text);
json_object *hmp_new_bool(bool value);
json_object *hmp_new_int(int64_t value);
/* Arguments by name: NULL, false, or @missing if it was not given. */
const char *hmp_str(json_object *args, const char *name);
bool hmp_flag(json_object *args, const char *name);
int64_t hmp_int(json_object *args, const char *name, int64_t missing);

#endif
