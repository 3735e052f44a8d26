/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of all kinds of objects. */
#include "block/filter/throttle-group.h"
#include "objects/authz.h"
#include "objects/hardware.h"
#include "objects/iothread.h"
#include "objects/main-loop.h"
#include "objects/secret.h"
#include "objects/tls-creds.h"

static const ObjectClass *const classes[] = {
    &object_iothread,
    &object_main_loop,
    &object_throttle_group,
    &object_authz_list,
    &object_authz_simple,
    &object_secret,
    &object_secret_keyring,
    &object_tls_creds_anon,
    &object_tls_creds_psk,
    &object_tls_creds_x509,
    &object_memory_backend_ram,
    &object_memory_backend_file,
    &object_memory_backend_memfd,
    &object_rng_builtin,
    &object_rng_random,
};

const ObjectClass *object_class_find(ObjectType type)
{
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        if (classes[i]->type == type) {
            return classes[i];
        }
    }
    g_assert_not_reached();
}
