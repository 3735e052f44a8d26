/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collects the daemon's options, and its help text. */
#include "tools/daemon-options.h"

#include <getopt.h>
#include <stdio.h>

#include "util/error.h"

enum {
    OPT_FIRST_LISTED = 256, /* + DaemonOptionKind */
    OPT_PIDFILE = 512,
    OPT_DAEMONIZE,
    OPT_LOG_LEVEL,
    OPT_STOP_TIMEOUT,
};

/* Less than the time after which systemd kills what does not end. */
#define DEFAULT_STOP_TIMEOUT_S 60
#define MAX_STOP_TIMEOUT_S (24 * 3600)

#define LISTED(name, kind)                                     \
    {                                                          \
        name, required_argument, NULL, OPT_FIRST_LISTED + kind \
    }

static const struct option long_options[] = {
    LISTED("blockdev", DAEMON_OPTION_BLOCKDEV),
    LISTED("chardev", DAEMON_OPTION_CHARDEV),
    {"daemonize", no_argument, NULL, OPT_DAEMONIZE},
    LISTED("export", DAEMON_OPTION_EXPORT),
    {"help", no_argument, NULL, 'h'},
    {"log-level", required_argument, NULL, OPT_LOG_LEVEL},
    LISTED("monitor", DAEMON_OPTION_MONITOR),
    LISTED("nbd-server", DAEMON_OPTION_NBD_SERVER),
    LISTED("object", DAEMON_OPTION_OBJECT),
    {"pidfile", required_argument, NULL, OPT_PIDFILE},
    {"stop-timeout", required_argument, NULL, OPT_STOP_TIMEOUT},
    {"trace", required_argument, NULL, 'T'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static void print_help(void)
{
    printf("Usage: %s [options]\n", error_program_name());
    fputs(
        "Serves disk images to virtual machines and backup programs.\n"
        "\n"
        "Options may come in any order; values are key=value lists or JSON.\n"
        "\n"
        "  --blockdev [driver=]DRIVER,node-name=NAME[,OPTION=VALUE...]\n"
        "      open a node, such as file,filename=PATH or qcow2,file=NODE,\n"
        "      with read-only=, discard=, cache.direct=, detect-zeroes= and\n"
        "      what its driver has\n"
        "  --chardev socket,id=ID,path=PATH[,server=on[,wait=off]]\n"
        "  --chardev socket,id=ID,host=HOST,port=PORT[,server=on[,wait=off]]\n"
        "  --chardev socket,id=ID,fd=NUMBER|NAME[,server=on[,wait=off]]\n"
        "  --chardev stdio,id=ID\n"
        "      make a channel for a monitor\n"
        "  --monitor [chardev=]ID[,mode=control|readline][,pretty=on|off]\n"
        "      speak QMP (readline: HMP) on that channel\n"
        "  --nbd-server addr.type=unix,addr.path=PATH[,max-connections=N]\n"
        "  --nbd-server addr.type=inet,addr.host=HOST,addr.port=PORT\n"
        "               [,tls-creds=OBJECT[,tls-authz=OBJECT]]\n"
        "  --nbd-server addr.type=fd,addr.str=NUMBER|NAME\n"
        "      listen for NBD clients\n"
        "  --export [type=]nbd,id=ID,node-name=NAME[,name=EXPORT]\n"
        "           [,writable=on|off][,bitmaps.0=BITMAP]\n"
        "      serve a node to NBD clients\n"
        "  --export [type=]fuse,id=ID,node-name=NAME,mountpoint=FILE\n"
        "           [,writable=on|off][,growable=on|off]\n"
        "           [,allow-other=on|off|auto]\n"
        "      show a node in the place of an existing file\n"
        "  --object TYPE,id=ID[,OPTION=VALUE...]\n"
        "      make an object: tls-creds-x509 (dir=PATH,endpoint=server),\n"
        "      tls-creds-psk, tls-creds-anon, authz-simple (identity=NAME),\n"
        "      authz-list, iothread, throttle-group, secret, main-loop;\n"
        "      --object help lists all\n"
        "  --daemonize\n"
        "      go to the background once everything is set up\n"
        "  --pidfile PATH\n"
        "      write the process id there, and remove the file at the end\n"
        "  --log-level error|warning|info|debug\n"
        "      what to say on standard error of the daemon's life (warning)\n"
        "  --stop-timeout SECONDS\n"
        "      give up ending in good order after that time (60; 0: never)\n"
        "  -T, --trace PATTERN\n"
        "      switch trace events on (this version has none)\n"
        "  -h, --help\n"
        "  -V, --version\n",
        stdout);
}

static void print_version(void)
{
    printf("%s version 7.2.22 (tidemark-%s)\n", error_program_name(),
           TIDEMARK_VERSION);
}

static void option_free(void *opaque)
{
    DaemonOption *option = opaque;

    g_free(option->shown);
    g_free(option->text);
    g_free(option);
}

/* The words [@from, @to) of the command line. */
static char *joined(char **argv, int from, int to)
{
    GString *text = g_string_new(NULL);

    for (int i = from; i < to; i++) {
        g_string_append_printf(text, "%s%s", i > from ? " " : "", argv[i]);
    }
    return g_string_free(text, false);
}

static void add_listed(DaemonOptions *options, DaemonOptionKind kind,
                       char **argv, int from)
{
    DaemonOption *option = g_new0(DaemonOption, 1);

    option->kind = kind;
    option->shown = joined(argv, from, optind);
    option->text = g_strdup(optarg);
    g_ptr_array_add(options->list, option);
}

static bool take_log_level(DaemonOptions *options)
{
    if (!log_level_parse(optarg, &options->log_level)) {
        error_report("--log-level %s: Must be 'error', 'warning', 'info' or "
                     "'debug'",
                     optarg);
        return false;
    }
    return true;
}

static bool take_stop_timeout(DaemonOptions *options)
{
    guint64 seconds;

    if (!g_ascii_string_to_unsigned(optarg, 10, 0, MAX_STOP_TIMEOUT_S, &seconds,
                                    NULL)) {
        error_report("--stop-timeout %s: Must be a number of seconds between "
                     "0 and %d",
                     optarg, MAX_STOP_TIMEOUT_S);
        return false;
    }
    options->stop_timeout_s = seconds;
    return true;
}

/* Takes the option @c; false: the program ends with *@exit_code. */
static bool take_option(DaemonOptions *options, int c, char **argv, int from,
                        int *exit_code)
{
    switch (c) {
    case 'h':
        print_help();
        *exit_code = 0;
        return false;
    case 'V':
        print_version();
        *exit_code = 0;
        return false;
    case 'T':
        add_listed(options, DAEMON_OPTION_TRACE, argv, from);
        return true;
    case OPT_PIDFILE:
        g_free(options->pidfile);
        options->pidfile = g_canonicalize_filename(optarg, NULL);
        return true;
    case OPT_DAEMONIZE:
        options->daemonize = true;
        return true;
    case OPT_LOG_LEVEL:
        *exit_code = 1;
        return take_log_level(options);
    case OPT_STOP_TIMEOUT:
        *exit_code = 1;
        return take_stop_timeout(options);
    case '?': /* getopt has said why */
        *exit_code = 1;
        return false;
    default:
        add_listed(options, c - OPT_FIRST_LISTED, argv, from);
        return true;
    }
}

bool daemon_options_parse(DaemonOptions *options, int argc, char **argv,
                          int *exit_code)
{
    int c, from;

    *options = (DaemonOptions){
        .list = g_ptr_array_new_with_free_func(option_free),
        .log_level = LOG_LEVEL_WARNING,
        .stop_timeout_s = DEFAULT_STOP_TIMEOUT_S,
    };
    /* Zero makes glibc forget an earlier use. "-": words that are no options
     * come as option 1. */
    optind = 0;
    for (from = 1;
         (c = getopt_long(argc, argv, "-hT:V", long_options, NULL)) != -1;
         from = optind) {
        if (c == 1) {
            error_report("%s: Unexpected argument", optarg);
            *exit_code = 1;
            return false;
        }
        if (!take_option(options, c, argv, from, exit_code)) {
            return false;
        }
    }
    if (optind < argc) {
        error_report("%s: Unexpected argument", argv[optind]);
        *exit_code = 1;
        return false;
    }
    return true;
}

void daemon_options_free(DaemonOptions *options)
{
    g_ptr_array_unref(options->list);
    g_free(options->pidfile);
}
