/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening a blkdebug node: its limits, permissions, rules and name. */
#include "block/filter/blkdebug-config.h"
#include "block/filter/blkdebug-int.h"

#include <limits.h>

static bool number_ok(const char *name, int64_t value, uint32_t multiple_of,
                      Error **errp)
{
    if (value < 0) {
        error_set(errp,
                  "Parameter '%s' expects a non-negative number below 2^64",
                  name);
        return false;
    }
    if (value >= INT_MAX || value % multiple_of) {
        error_set(errp, "Cannot meet constraints with %s %" PRId64, name,
                  value);
        return false;
    }
    return true;
}

static bool take_align(BlkdebugState *s, const BlockdevOptionsBlkdebug *o,
                       Error **errp)
{
    int64_t align = o->has_align ? o->align : 0;

    if (!number_ok("align", align, 1, errp)) {
        return false;
    }
    if (align && !is_power_of_2((uint64_t)align)) {
        error_set(errp, "Cannot meet constraints with align %" PRId64, align);
        return false;
    }
    s->align = (uint32_t)align;
    return true;
}

/* The limits must fit each other and what the image takes. */
static bool take_limits(BlkdebugState *s, const BlockdevOptionsBlkdebug *o,
                        Error **errp)
{
    uint32_t align = MAX(s->align, s->image->child->limits.request_align);
    const struct {
        const char *name;
        int64_t value;
        uint32_t *to;
        const uint32_t *multiple_of;
    } limits[] = {
        {"max-transfer", o->max_transfer, &s->max_transfer, NULL},
        {"opt-write-zero", o->opt_write_zero, &s->opt_zeroes, NULL},
        {"max-write-zero", o->max_write_zero, &s->max_zeroes, &s->opt_zeroes},
        {"opt-discard", o->opt_discard, &s->opt_discard, NULL},
        {"max-discard", o->max_discard, &s->max_discard, &s->opt_discard},
    };

    if (!take_align(s, o, errp)) {
        return false;
    }
    align = MAX(MAX(s->align, align), 1);
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        uint32_t unit = limits[i].multiple_of ? *limits[i].multiple_of : 0;

        if (!number_ok(limits[i].name, limits[i].value, MAX(unit, align),
                       errp)) {
            return false;
        }
        *limits[i].to = (uint32_t)limits[i].value;
    }
    return true;
}

static Perms perms_of(const BlockPermissionList *list)
{
    static const Perms of[BLOCK_PERMISSION__MAX] = {
        [BLOCK_PERMISSION_CONSISTENT_READ] = PERM_CONSISTENT_READ,
        [BLOCK_PERMISSION_WRITE] = PERM_WRITE,
        [BLOCK_PERMISSION_WRITE_UNCHANGED] = PERM_WRITE_UNCHANGED,
        [BLOCK_PERMISSION_RESIZE] = PERM_RESIZE,
    };
    Perms perms = 0;

    for (size_t i = 0; list && i < list->n; i++) {
        perms |= of[list->v[i]];
    }
    return perms;
}

const char *const blkdebug_identity[] = {
    "config",         "align",       "max-transfer", "opt-write-zero",
    "max-write-zero", "opt-discard", "max-discard",  "inject-error",
    "set-state",      NULL,
};

/* Without options of its own but a file of rules it has the name that opens it
 * so. */
static void name_node(Node *node, const BlkdebugState *s)
{
    const char *image = s->image->child->filename;
    json_object *config = NULL;

    json_object_object_get_ex(node->options, "config", &config);
    for (const char *const *name = blkdebug_identity + 1; *name; name++) {
        if (json_object_object_get_ex(node->options, *name, NULL)) {
            return;
        }
    }
    if (image && !g_str_has_prefix(image, "json:")) {
        node->filename = g_strdup_printf(
            "blkdebug:%s:%s", config ? json_object_get_string(config) : "",
            image);
    }
}

/* The rules of the file, then those of the options. */
static bool take_rules(BlkdebugState *s, const BlockdevOptionsBlkdebug *o,
                       Error **errp)
{
    BlockdevOptionsBlkdebug *config = NULL;

    if (o->config) {
        config = blkdebug_config_read(o->config, errp);
        if (!config) {
            return false;
        }
    }
    s->rules = blkdebug_rules_new();
    if (config) {
        blkdebug_rules_add(s->rules, config);
    }
    blkdebug_rules_add(s->rules, o);
    BlockdevOptionsBlkdebug_free(config);
    /* The event that all wait for who name none has happened. */
    blkdebug_rules_event(s->rules, BLKDBG_NONE);
    return true;
}

bool co_blkdebug_open(Node *node, const BlockdevOptions *options, Error **errp)
{
    const BlockdevOptionsBlkdebug *o = &options->u.blkdebug;
    BlkdebugState *s = node->state;

    s->take = perms_of(o->take_child_perms);
    s->unshare = perms_of(o->unshare_child_perms);
    s->image = co_node_open_child(node, o->image, "image",
                                  EDGE_FILTERED | EDGE_PRIMARY, errp);
    if (!s->image || !take_limits(s, o, errp) || !take_rules(s, o, errp)) {
        return false;
    }
    blkdebug_breaks_init(&s->breaks);
    node->size_bytes = s->image->child->size_bytes;
    name_node(node, s);
    return true;
}
