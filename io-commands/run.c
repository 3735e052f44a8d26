/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of commands; runs one line. */
#include <stdarg.h>
#include <stdio.h>

#include "io-commands/io-commands.h"
#include "util/report-order.h"

/* In alphabetical order. */
static const IoCommand *const commands[] = {
    &io_command_abort,     &io_command_aio_flush, &io_command_aio_read,
    &io_command_aio_write, &io_command_alloc,     &io_command_break,
    &io_command_discard,   &io_command_flush,     &io_command_help,
    &io_command_info,      &io_command_length,    &io_command_map,
    &io_command_read,      &io_command_readv,     &io_command_remove_break,
    &io_command_reopen,    &io_command_resume,    &io_command_sigraise,
    &io_command_sleep,     &io_command_truncate,  &io_command_wait_break,
    &io_command_write,     &io_command_writev,    NULL,
};

static const IoCommand *const none[] = {NULL};

static const IoCommand *const *own_commands(const IoShell *shell)
{
    return shell->own ? shell->own : none;
}

static const IoCommand *find_in(const IoCommand *const *list, const char *name)
{
    for (; *list; list++) {
        if (!strcmp((*list)->name, name)) {
            return *list;
        }
    }
    return NULL;
}

/* What people and scripts write for the commands that they use most. */
static const char *full_name(const char *name)
{
    static const char *const shorts[][2] = {
        {"a", "alloc"}, {"c", "close"},    {"d", "discard"}, {"f", "flush"},
        {"i", "info"},  {"l", "length"},   {"o", "open"},    {"q", "quit"},
        {"r", "read"},  {"t", "truncate"}, {"w", "write"},   {"?", "help"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(shorts); i++) {
        if (!strcmp(name, shorts[i][0])) {
            return shorts[i][1];
        }
    }
    return name;
}

static const IoCommand *find_command(const IoShell *shell, const char *name)
{
    const IoCommand *command;

    name = full_name(name);
    command = find_in(commands, name);
    return command ? command : find_in(own_commands(shell), name);
}

/* --- help ---------------------------------------------------------------- */

static void print_usage(const IoCommand *command, const char *name)
{
    printf("%s%s%s -- %s\n", name, command->arguments ? " " : "",
           command->arguments ? command->arguments : "", command->purpose);
}

void io_print_usage(const IoCommand *command)
{
    print_usage(command, command->name);
}

/* Both lists as one. */
static void print_all(const IoShell *shell)
{
    const IoCommand *const *a = commands, *const *b = own_commands(shell);

    while (*a || *b) {
        bool first = !*b || (*a && strcmp((*a)->name, (*b)->name) < 0);

        io_print_usage(first ? *a++ : *b++);
    }
    printf("\nUse 'help commandname' for extended help.\n");
}

static int co_help(IoShell *shell, int argc, char **argv)
{
    const IoCommand *command;

    if (argc == 1) {
        print_all(shell);
        return 0;
    }
    command = find_command(shell, argv[1]);
    if (!command) {
        printf("command %s not found\n", argv[1]);
        return -1;
    }
    print_usage(command, argv[1]);
    if (command->help) {
        printf("\n%s\n", command->help);
    }
    return 0;
}

const IoCommand io_command_help = {
    .name = "help",
    .max_args = 1,
    .arguments = "[command]",
    .purpose = "help for one or all commands",
    .co_run = co_help,
};

/* --- running ------------------------------------------------------------- */

/* No program's name in front: tests compare it so. */
static void complain(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

static void complain(const char *fmt, ...)
{
    va_list ap;

    report_settle_output();
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

void io_say_error(IoShell *shell, Error *err)
{
    shell->say(shell, error_text(err));
    if (error_hint(err)) {
        fputs(error_hint(err), stderr);
    }
    error_free(err);
}

static bool check_arguments(const IoCommand *command, const char *name,
                            int given)
{
    if (given >= command->min_args &&
        (command->max_args < 0 || given <= command->max_args)) {
        return true;
    }
    if (command->max_args < 0) {
        complain("bad argument count %d to %s, expected at least "
                 "%d arguments",
                 given, name, command->min_args);
    } else if (command->min_args == command->max_args) {
        complain("bad argument count %d to %s, expected %d arguments", given,
                 name, command->min_args);
    } else {
        complain("bad argument count %d to %s, expected between %d and %d "
                 "arguments",
                 given, name, command->min_args, command->max_args);
    }
    return false;
}

/* Another process has the image. */
static bool is_inactive(const IoShell *shell)
{
    const Node *node = root_node(shell->root);

    return node && node->inactive;
}

/* An image that is read-only refuses, with the graph's text; so does one that
 * is another process's. */
COROUTINE_ONLY CONTROL_ONLY static bool co_take_perms(IoShell *shell,
                                                      Perms perms)
{
    Backend *backend = shell->backend;
    Error *err = NULL;
    bool ok;

    if (is_inactive(shell)) {
        error_set(&err, "Block node is read-only");
        io_say_error(shell, err);
        return false;
    }
    co_graph_lock();
    ok = backend ? backend_set_perms(backend, backend_perm(backend) | perms,
                                     backend_shared(backend), &err)
                 : root_set_perms(shell->root, root_perms(shell->root) | perms,
                                  PERM_ALL, &err);
    graph_unlock();
    if (!ok) {
        io_say_error(shell, err);
    }
    return ok;
}

COROUTINE_ONLY CONTROL_ONLY static int co_run_words(IoShell *shell, int argc,
                                                    char **argv)
{
    const IoCommand *command = find_command(shell, argv[0]);

    if (!command) {
        complain("command \"%s\" not found", argv[0]);
        return -1;
    }
    if (command->needs_image && !shell->root) {
        complain("no file open, try 'help open'");
        return -1;
    }
    if (!check_arguments(command, argv[0], argc - 1)) {
        return -1;
    }
    if (command->perms && !co_take_perms(shell, command->perms)) {
        return -1;
    }
    optind = 0;
    return command->co_run(shell, argc, argv);
}

int co_io_run_line(IoShell *shell, const char *line)
{
    g_auto(GStrv) words = g_strsplit_set(line, " \r\n", -1);
    g_autofree char **argv = g_new(char *, g_strv_length(words) + 1);
    int n = 0, ret;

    /* Runs of blanks leave empty words. */
    for (int i = 0; words[i]; i++) {
        if (words[i][0]) {
            argv[n++] = words[i];
        }
    }
    argv[n] = NULL;
    ret = n ? co_run_words(shell, n, argv) : 0;
    report_settle_output();
    return ret;
}
