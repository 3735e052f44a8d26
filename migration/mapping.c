/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of nodes and bitmaps on their way (block-bitmap-mapping). */
#include "migration/migration-int.h"
#include "util/id.h"

#define ALIAS_MAX 255
#define INVALID "Invalid mapping given for block-bitmap-mapping: "

/* --- checks -------------------------------------------------------------- */

static bool too_long(const char *what, const char *text, size_t max,
                     Error **errp)
{
    if (strlen(text) <= max) {
        return false;
    }
    error_set(errp, INVALID "The %s '%s' is longer than %zu bytes", what, text,
              max);
    return true;
}

static bool check_bitmaps(const BitmapMigrationNodeAlias *node, Error **errp)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) aliases = g_hash_table_new(g_str_hash, g_str_equal);

    for (size_t i = 0; i < node->bitmaps->n; i++) {
        const BitmapMigrationBitmapAlias *b = node->bitmaps->v[i];

        if (too_long("bitmap alias", b->alias, ALIAS_MAX, errp) ||
            too_long("bitmap name", b->name, BITMAP_NAME_MAX, errp)) {
            return false;
        }
        if (!g_hash_table_add(names, b->name)) {
            error_set(errp, INVALID "The bitmap '%s'/'%s' is mapped twice",
                      node->node_name, b->name);
            return false;
        }
        if (!g_hash_table_add(aliases, b->alias)) {
            error_set(errp, INVALID "The bitmap alias '%s'/'%s' is used twice",
                      node->alias, b->alias);
            return false;
        }
    }
    return true;
}

static bool check_node(const BitmapMigrationNodeAlias *node, GHashTable *names,
                       GHashTable *aliases, Error **errp)
{
    if (!id_well_formed(node->alias)) {
        error_set(errp, INVALID "The node alias '%s' is not well-formed",
                  node->alias);
        return false;
    }
    if (too_long("node alias", node->alias, ALIAS_MAX, errp) ||
        too_long("node name", node->node_name, NODE_NAME_MAX, errp)) {
        return false;
    }
    if (!g_hash_table_add(names, node->node_name)) {
        error_set(errp, INVALID "The node name '%s' is mapped twice",
                  node->node_name);
        return false;
    }
    if (!g_hash_table_add(aliases, node->alias)) {
        error_set(errp, INVALID "The node alias '%s' is used twice",
                  node->alias);
        return false;
    }
    return check_bitmaps(node, errp);
}

bool mapping_check(const BitmapMigrationNodeAliasList *mapping, Error **errp)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) aliases = g_hash_table_new(g_str_hash, g_str_equal);

    for (size_t i = 0; i < mapping->n; i++) {
        if (!check_node(mapping->v[i], names, aliases, errp)) {
            return false;
        }
    }
    return true;
}

/* --- use ----------------------------------------------------------------- */

bool mapping_to_alias(const char *node, const char *name, const char **node_out,
                      const char **name_out,
                      const BitmapMigrationBitmapAliasTransform **transform)
{
    const BitmapMigrationNodeAliasList *mapping =
        migration_params()->block_bitmap_mapping;

    *node_out = node;
    *name_out = name;
    *transform = NULL;
    if (!mapping) {
        return true;
    }
    for (size_t i = 0; i < mapping->n; i++) {
        const BitmapMigrationNodeAlias *n = mapping->v[i];

        for (size_t k = 0; !strcmp(n->node_name, node) && k < n->bitmaps->n;
             k++) {
            const BitmapMigrationBitmapAlias *b = n->bitmaps->v[k];

            if (!strcmp(b->name, name)) {
                *node_out = n->alias;
                *name_out = b->alias;
                *transform = b->transform;
                return true;
            }
        }
    }
    return false;
}

static const BitmapMigrationNodeAlias *
find_node_alias(const BitmapMigrationNodeAliasList *mapping, const char *alias)
{
    for (size_t i = 0; i < mapping->n; i++) {
        if (!strcmp(mapping->v[i]->alias, alias)) {
            return mapping->v[i];
        }
    }
    return NULL;
}

bool mapping_from_alias(const char *node, const char *name,
                        const char **node_out, const char **name_out,
                        const BitmapMigrationBitmapAliasTransform **transform)
{
    const BitmapMigrationNodeAliasList *mapping =
        migration_params()->block_bitmap_mapping;
    const BitmapMigrationNodeAlias *n;

    *node_out = node;
    *name_out = name;
    *transform = NULL;
    if (!mapping) {
        return true;
    }
    n = find_node_alias(mapping, node);
    if (!n) {
        error_report("Error: Unknown node alias '%s'", node);
        return false;
    }
    *node_out = n->node_name;
    for (size_t k = 0; k < n->bitmaps->n; k++) {
        const BitmapMigrationBitmapAlias *b = n->bitmaps->v[k];

        if (!strcmp(b->alias, name)) {
            *name_out = b->name;
            *transform = b->transform;
            return true;
        }
    }
    error_report("Error: Unknown bitmap alias '%s' on node '%s' (alias '%s')",
                 name, n->node_name, node);
    return false;
}
