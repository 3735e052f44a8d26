/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the shell that only a program of its own has: open, close,
 * quit. */
#include <getopt.h>
#include <stdio.h>

#include <json-c/json.h>

#include "tools/image-options.h"
#include "tools/io/io.h"

static const IoCommand command_open;

typedef struct OpenWords {
    IoImage image;
    GString *options; /* of all -o, as one option string */
} OpenWords;

static bool take_discard(ImageOpen *open, const char *word)
{
    open->unmap = !strcmp(word, "unmap") || !strcmp(word, "on");
    if (!open->unmap && strcmp(word, "ignore") && strcmp(word, "off")) {
        error_report("Invalid discard option: %s", word);
        return false;
    }
    return true;
}

static bool take_cache(ImageOpen *open, const char *word)
{
    open->cache = io_cache_mode(word);
    if (!open->cache) {
        error_report("Invalid cache option: %s", word);
    }
    return open->cache;
}

static bool take_option(const IoTool *tool, OpenWords *words, int option)
{
    ImageOpen *open = &words->image.open;

    switch (option) {
    case 's':
        words->image.snapshot = true;
        return true;
    case 'C':
        words->image.copy_on_read = true;
        return true;
    case 'k':
        open->aio = "native";
        return true;
    case 'i':
        return io_take_aio(open, optarg);
    case 'n':
        open->cache = "none";
        return true;
    case 'r':
        open->writable = false;
        return true;
    case 'U':
        open->force_share = true;
        return true;
    case 't':
        return take_cache(open, optarg);
    case 'd':
        return take_discard(open, optarg);
    case 'o':
        if (tool->defaults.open.image_opts) {
            printf("--image-opts and 'open -o' are mutually exclusive\n");
            return false;
        }
        g_string_append_printf(words->options, "%s%s",
                               words->options->len ? "," : "", optarg);
        return true;
    default:
        io_print_usage(&command_open);
        return false;
    }
}

static bool says_writable(json_object *more)
{
    json_object *value;

    return more && json_object_object_get_ex(more, "read-only", &value) &&
           !strcmp(json_object_get_string(value), "off");
}

COROUTINE_ONLY CONTROL_ONLY static int
co_open_words(IoTool *tool, OpenWords *words, const char *path)
{
    ImageOpen *open = &words->image.open;
    json_object *more = NULL;
    int ret;

    if (path && words->options->len) {
        more = open->more =
            image_options_of_text(words->options->str, NULL, "");
        /* Said in so many words, it counts more than -r. */
        open->writable |= says_writable(more);
    }
    if (!path) {
        open->image_opts = true;
    }
    open->filename = path ? path : words->options->str;
    ret = co_io_open_image(tool, &words->image);
    json_object_put(more);
    return ret;
}

/* Nothing of what the program's command line said holds for it but that names
 * are option strings. */
COROUTINE_ONLY CONTROL_ONLY static int co_open(IoShell *shell, int argc,
                                               char **argv)
{
    IoTool *tool = shell->opaque;
    OpenWords words = {
        .image.open = {.writable = true,
                       .unmap = true,
                       .image_opts = tool->defaults.open.image_opts,
                       .no_implied = true},
        .options = g_string_new(NULL)};
    int option, ret = -1;
    bool ok = true;

    while (ok && (option = getopt(argc, argv, "snCro:ki:t:d:U")) != -1) {
        ok = take_option(tool, &words, option);
    }
    if (ok && optind < argc - 1) {
        io_print_usage(&command_open);
    } else if (ok && shell->root) {
        error_report("file open already, try 'help close'");
    } else if (ok) {
        ret = co_open_words(tool, &words, argv[optind]);
    }
    g_string_free(words.options, true);
    return ret;
}

static const IoCommand command_open = {
    .name = "open",
    .min_args = 1,
    .max_args = -1,
    .arguments = "[-rsCnkU] [-t cache] [-d discard] [-o options] [path]",
    .purpose = "open the file specified by path",
    .help = " -r, -- read only\n"
            " -s, -- what is written is forgotten at the end\n"
            " -C, -- what is read from behind the image is kept in it\n"
            " -n, -- without the host's cache: -t none\n"
            " -k, -- aio=native\n"
            " -i, -- aio mode: threads, native or io_uring\n"
            " -t, -- cache mode\n"
            " -d, -- discard mode: unmap or ignore\n"
            " -o, -- options of the image, as blockdev-add has them\n"
            " -U, -- although others may write to it\n",
    .co_run = co_open,
};

COROUTINE_ONLY CONTROL_ONLY static int co_close(IoShell *shell, int argc,
                                                char **argv)
{
    co_io_close_image(shell->opaque);
    return 0;
}

static const IoCommand command_close = {
    .name = "close",
    .needs_image = true,
    .purpose = "close the current open file",
    .co_run = co_close,
};

static int co_quit(IoShell *shell, int argc, char **argv)
{
    IoTool *tool = shell->opaque;

    tool->quit = true;
    return 0;
}

static const IoCommand command_quit = {
    .name = "quit",
    .max_args = -1,
    .purpose = "exit the program",
    .co_run = co_quit,
};

const IoCommand *const io_tool_commands[] = {
    &command_close,
    &command_open,
    &command_quit,
    NULL,
};
