/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `tidemark io`: the debugging shell for one image. */
#ifndef TOOLS_IO_IO_H
#define TOOLS_IO_IO_H

#include "io-commands/io-commands.h"
#include "tools/image-open.h"

/* An image, and what is put on it. */
typedef struct IoImage {
    ImageOpen open;
    bool snapshot;     /* writes go to a layer that is forgotten */
    bool copy_on_read; /* what is read from behind it is kept in it */
} IoImage;

/* At most one image is open. All in one coroutine on control. */
typedef struct IoTool {
    IoShell shell;
    IoImage defaults;    /* what the command line said */
    GPtrArray *commands; /* of -c */
    GPtrArray *objects;  /* of --object */
    bool quit;
    int status;
} IoTool;

/* open, close, quit: NULL ends. */
extern const IoCommand *const io_tool_commands[];

/* The mode with that name, of which "off" is another; NULL: there is none. */
const char *io_cache_mode(const char *word);

/* An aio mode; false, reported, for another word. */
bool io_take_aio(ImageOpen *open, const char *mode);

/* Opens it as @image says; 0 or -1, reported. */
int co_io_open_image(IoTool *tool,
                     const IoImage *image) COROUTINE_ONLY CONTROL_ONLY;
void co_io_close_image(IoTool *tool) COROUTINE_ONLY CONTROL_ONLY;

#endif
