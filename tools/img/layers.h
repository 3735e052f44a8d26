/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A chain of images opened layer by layer, each without what is behind it: for
 * commands that change one of them while they read the others.
 */
#ifndef TOOLS_IMG_LAYERS_H
#define TOOLS_IMG_LAYERS_H

#include "tools/img/img.h"

typedef struct Layer {
    char *filename;             /* as seen from here */
    char *format;               /* as its overlay names it; NULL: probed */
    Root *root;                 /* NULL for the base, which is not opened */
    struct json_object *more;   /* more options of it; NULL: none */
    struct json_object *behind; /* and of the next one */
    bool cut;                   /* nothing is behind it, whatever it says */
} Layer;

typedef struct Layers {
    Layer *layer; /* from the top down; the last one is the base */
    unsigned n;
} Layers;

/*
 * Opens those from @top down to above the base: the image behind @top if @base
 * is NULL, else the one that is named so. False, reported, if there is none.
 */
bool co_layers_open(Layers *layers, const ImageOpen *top,
                    const char *base) COROUTINE_ONLY CONTROL_ONLY;
void co_layers_close(Layers *layers) COROUTINE_ONLY CONTROL_ONLY;
const Layer *layers_base(const Layers *layers);

/* Opens an image behind @top; NULL, reported as trouble of @top. */
Root *co_layers_open_behind(const char *top,
                            const ImageOpen *open) COROUTINE_ONLY CONTROL_ONLY;

/* What stands at [@at, +*@bytes) above the base; *@bytes shrinks to what is
 * alike. */
typedef enum LayerKind { LAYER_BASE, LAYER_ZERO, LAYER_DATA } LayerKind;
int co_layers_status(const Layers *layers, uint64_t at, uint64_t *bytes,
                     LayerKind *kind, Root **source) COROUTINE_ONLY;

#endif
