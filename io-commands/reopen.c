/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command reopen: other options for the open image. What is not said stays
 * as the image was opened.
 */
#include <getopt.h>
#include <stdio.h>

#include "block/graph/driver.h"
#include "block/graph/loose-options.h"
#include "io-commands/io-commands.h"
#include "io-commands/reopen-int.h"
#include "util/opts.h"

static bool take_mode(Reopening *r, bool read_only, Error **errp)
{
    if (r->has_mode) {
        error_set(errp, "Only one -r/-w option may be given");
        return false;
    }
    r->has_mode = true;
    r->read_only = read_only;
    return true;
}

static bool take_cache(Reopening *r, const char *name, Error **errp)
{
    r->cache = cache_mode_find(name);
    if (!r->cache) {
        error_set(errp, "Invalid cache option: %s", name);
    }
    return r->cache;
}

static bool take_words(Reopening *r, const char *text, Error **errp)
{
    Opts *opts = opts_parse(text, NULL, "");
    json_object *flat = json_object_new_object();

    for (guint i = 0; i < opts->list->len; i++) {
        const Opt *opt = opts->list->pdata[i];

        json_object_object_add(flat, opt->name,
                               json_object_new_string(opt->value));
    }
    opts_free(opts);
    json_object_put(r->words);
    r->words = loose_options_plain(flat, errp);
    json_object_put(flat);
    return r->words;
}

static bool take_option(Reopening *r, int option, Error **errp)
{
    switch (option) {
    case 'r':
    case 'w':
        return take_mode(r, option == 'r', errp);
    case 'c':
        return take_cache(r, optarg, errp);
    default:
        return take_words(r, optarg, errp);
    }
}

static bool check_words(const Reopening *r, Error **errp)
{
    json_object *cache;

    if (r->has_mode && r->words &&
        json_object_object_get_ex(r->words, "read-only", NULL)) {
        error_set(errp, "Cannot set both -r/-w and 'read-only'");
        return false;
    }
    if (r->cache && r->words &&
        json_object_object_get_ex(r->words, "cache", &cache) &&
        (json_object_object_get_ex(cache, "direct", NULL) ||
         json_object_object_get_ex(cache, "no-flush", NULL))) {
        error_set(errp, "Cannot set both -c and the cache options");
        return false;
    }
    return true;
}

static int parse(Reopening *r, IoShell *shell, int argc, char **argv)
{
    Error *err = NULL;
    int option;

    while (!err && (option = getopt(argc, argv, "c:o:rw")) != -1) {
        if (option == '?') {
            io_print_usage(&io_command_reopen);
            return -1;
        }
        take_option(r, option, &err);
    }
    if (!err && optind != argc) {
        io_print_usage(&io_command_reopen);
        return -1;
    }
    if (err || !check_words(r, &err)) {
        io_say_error(shell, err);
        return -1;
    }
    return 0;
}

/* --- the command --------------------------------------------------------- */

/* Who wrote to the image does so no more. */
CONTROL_ONLY
static bool drop_writing(IoShell *shell, Error **errp)
{
    Backend *backend = shell->backend;

    return backend ? backend_set_perms(
                         backend,
                         backend_perm(backend) &
                             ~(PERM_WRITE | PERM_RESIZE | PERM_WRITE_UNCHANGED),
                         backend_shared(backend), errp)
                   : root_set_perms(shell->root, PERM_CONSISTENT_READ, PERM_ALL,
                                    errp);
}

COROUTINE_ONLY CONTROL_ONLY static bool
co_apply(IoShell *shell, const Reopening *r, Error **errp)
{
    Node *node = root_node(shell->root);
    BlockdevOptions *options = io_reopen_options(r, node, errp);
    BlockdevOptionsList list = {.v = &options, .n = 1};
    bool ok = true;

    if (!options) {
        return false;
    }
    if (r->has_mode && r->read_only) {
        co_graph_lock();
        ok = drop_writing(shell, errp);
        graph_unlock();
    }
    ok = ok && co_graph_reopen(&list, errp);
    BlockdevOptions_free(options);
    return ok;
}

COROUTINE_ONLY CONTROL_ONLY static int co_reopen(IoShell *shell, int argc,
                                                 char **argv)
{
    Reopening r = {0};
    Error *err = NULL;
    int ret = parse(&r, shell, argc, argv);

    if (ret == 0 && !root_node(shell->root)) {
        printf("reopen: %s\n", strerror(ENOMEDIUM));
        ret = -1;
    }
    if (ret == 0 && r.cache && shell->backend &&
        r.cache->writethrough != backend_writethrough(shell->backend) &&
        backend_device(shell->backend)) {
        error_set(&err, "Cannot change cache.writeback: Device attached");
        io_say_error(shell, err);
        ret = -1;
    }
    if (ret == 0 && !co_apply(shell, &r, &err)) {
        io_say_error(shell, err);
        ret = -1;
    }
    if (ret == 0 && r.cache) {
        shell->writethrough = r.cache->writethrough;
        if (shell->backend) {
            backend_set_writethrough(shell->backend, r.cache->writethrough);
        }
    }
    json_object_put(r.words);
    return ret;
}

const IoCommand io_command_reopen = {
    .name = "reopen",
    .max_args = -1,
    .needs_image = true,
    .arguments = "[(-r|-w)] [-c cache] [-o options]",
    .purpose = "reopens an image with new options",
    .help = " -r, -- read-only from now on\n"
            " -w, -- to be written to\n"
            " -c, -- with this cache mode\n"
            " -o, -- options of the image's driver, as for a block device\n",
    .co_run = co_reopen,
};
