/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that users give to things: see id.h. */
#include "util/id.h"

bool id_well_formed(const char *id)
{
    if (!g_ascii_isalpha(*id)) {
        return false;
    }
    for (; *id; id++) {
        if (!g_ascii_isalnum(*id) && !strchr("-._", *id)) {
            return false;
        }
    }
    return true;
}

bool id_check(const char *id, Error **errp)
{
    if (id_well_formed(id)) {
        return true;
    }
    error_set(errp, "Parameter 'id' expects an identifier");
    error_append_hint(errp, "Identifiers consist of letters, digits, "
                            "'-', '.', '_', starting with a letter.\n");
    return false;
}
