/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What crypt.c and data.c share. */
#ifndef BLOCK_QCOW2_CRYPT_INT_H
#define BLOCK_QCOW2_CRYPT_INT_H

#include "block/luks/luks.h"

/* Without a cipher the image is only to be described. */
struct Qcow2Crypt {
    LuksVolume luks;
    LuksCipher *old;
};

#endif
