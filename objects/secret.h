/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Passwords and keys as objects: `secret`. Their state is the secret itself,
 * decrypted, in memory that is wiped when it is freed.
 *
 * Invariant: a secret is at most SECRET_MAX bytes, and never changes.
 */
#ifndef OBJECTS_SECRET_H
#define OBJECTS_SECRET_H

#include "objects/object.h"

#define SECRET_MAX (1u << 20)

extern const ObjectClass object_secret, object_secret_keyring;

/* The bytes of the secret called @id; a zero byte that does not count stands
 * behind them. They are the object's: valid until the caller yields. False
 * with @errp. Control thread. */
bool secret_lookup(const char *id, const uint8_t **bytes, size_t *n,
                   Error **errp);
/* The same as a text in UTF-8: a password. NULL with @errp; else free it with
 * secret_text_free. */
char *secret_lookup_text(const char *id, Error **errp);
void secret_text_free(char *text); /* NULL is fine; wipes it */

#endif
