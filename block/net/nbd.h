/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The NBD clients of the program as a whole. */
#ifndef BLOCK_NET_NBD_H
#define BLOCK_NET_NBD_H

#include "util/annotations.h"

/* The program ends: attempts to open fail, and a server that owes answers but
 * is silent is not waited for much longer. Control thread. */
void nbd_release_all(void) CONTROL_ONLY;

#endif
