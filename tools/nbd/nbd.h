/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of `tidemark nbd` share. */
#ifndef TOOLS_NBD_NBD_H
#define TOOLS_NBD_NBD_H

#include "tools/image-open.h"

#define NBD_TOOL_ADDRESS "0.0.0.0"
#define NBD_TOOL_PORT "10809"

/* The command line. Texts belong to argv. */
typedef struct NbdTool {
    /* CONST after nbd_tool_parse */
    ImageOpen image;
    const char *port, *bind, *socket; /* NULL: not given */
    const char *name, *description;   /* of the export */
    const char *pid_file;
    const char *snapshot_inside; /* -l */
    const char *tls_creds, *tls_authz, *tls_hostname;
    GPtrArray *objects; /* const char *, in their order */
    GPtrArray *bitmaps; /* const char * */
    uint64_t offset_bytes;
    unsigned n_files;     /* words that are no options */
    unsigned max_clients; /* 0: without limit */
    bool has_offset, allocation_depth, discard_given;
    bool device, disconnect; /* -c, -d */
    bool list, persistent, verbose, fork, read_only, temporary;
    /* CONTROL */
    int ready_fd;  /* nbd_tool_fork's, or -1 */
    int exit_code; /* set by the coroutine that does the work */
} NbdTool;

/* --- options.c -------------------------------------------------------- */

/* False: the program ends with *@exit_code; what is wrong was reported. */
bool nbd_tool_parse(NbdTool *tool, int argc, char **argv, int *exit_code);
void nbd_tool_clear(NbdTool *tool);

/* --- options-check.c -------------------------------------------------- */

/* Whether the options go together; when objects are there. False, reported. */
bool nbd_tool_check(NbdTool *tool);
/* Reports and returns false. */
bool nbd_tool_wrong(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/* --- help.c ----------------------------------------------------------- */

void nbd_tool_print_help(void);

/* --- fork.c ----------------------------------------------------------- */

/* `--fork`: the parent prints what its child says on standard error until it
 * serves, then ends: with 0 if nothing was said and the child lives. Returns
 * in the child only: what nbd_tool_detach takes, or -1 with @errp. Before
 * there are reactors or threads. */
int nbd_tool_fork(Error **errp);
/* The child serves: lets go of terminal, directory and parent. */
bool nbd_tool_detach(int ready_fd, Error **errp);

/* --- image.c ---------------------------------------------------------- */

/* Opens what is to be served, as the options say: the image, a temporary layer
 * on it, a part of it. NULL, reported. */
Root *co_nbd_tool_open(const NbdTool *tool) COROUTINE_ONLY CONTROL_ONLY;

/* --- list.c, serve.c: coroutines that set @exit_code -------------- */

void co_nbd_tool_list(NbdTool *tool) COROUTINE_ONLY CONTROL_ONLY;
void co_nbd_tool_serve(NbdTool *tool) COROUTINE_ONLY CONTROL_ONLY;

#endif
