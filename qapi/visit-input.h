/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two files that read values share: the path to the member that is
 * being read, and the reading of scalars.
 */
#ifndef QAPI_VISIT_INPUT_H
#define QAPI_VISIT_INPUT_H

#include "qapi/visit.h"

/* One step of the path; lives on the stack of the function that took it. */
typedef struct VisitPath {
    const struct VisitPath *parent;
    const char *name; /* NULL: an element of a list */
    size_t index;
    unsigned depth; /* number of steps, this one included */
} VisitPath;

/* Values nest no deeper than this, because each level of a type that contains
 * itself (a node below a node) costs C stack, here and in those who walk the
 * value: 128 levels take less than 64 KiB of a coroutine's stack. */
#define VISIT_MAX_DEPTH 128

typedef struct VisitInput {
    bool keyval; /* scalars are strings */
    Error **errp;
} VisitInput;

/* "actions[0].data.node", in option strings "actions.0.data.node"; the caller
 * frees it. */
char *visit_path_text(const VisitInput *in, const VisitPath *path);

/* The last name of the path alone, which is what some of QEMU's texts show;
 * "null", as they do, for an element of a list. The caller frees it. */
char *visit_path_leaf(const VisitPath *path);

/* Sets "Invalid parameter type for 'PATH', expected: WHAT"; returns false. */
bool visit_type_error(const VisitInput *in, const VisitPath *path,
                      const char *what);

/* Reads a scalar (any kind that is not OBJECT, ALTERNATE or LIST) into @dst,
 * which holds nothing before. On failure @dst stays empty. */
bool visit_scalar(const VisitInput *in, const VisitPath *path,
                  const QapiType *type, json_object *json, void *dst);

#endif
