/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `tidemark io`: the debugging shell for one image. */
#ifndef TOOLS_IO_IO_H
#define TOOLS_IO_IO_H

#include "io-commands/io-commands.h"
#include "tools/image-open.h"

/* At most one image is open. All in one coroutine on control. */
typedef struct IoTool {
    IoShell shell;
    ImageOpen defaults;  /* what the command line said, for `open` */
    GPtrArray *commands; /* of -c */
    GPtrArray *objects;  /* of --object */
    bool quit;
    int status;
} IoTool;

/* open, close, quit: NULL ends. */
extern const IoCommand *const io_tool_commands[];

/* Opens it as @open says; 0 or -1, reported. */
int co_io_open_image(IoTool *tool,
                     const ImageOpen *open) COROUTINE_ONLY CONTROL_ONLY;
void co_io_close_image(IoTool *tool) COROUTINE_ONLY CONTROL_ONLY;

#endif
