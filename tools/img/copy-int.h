/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What copy.c and copy-write.c share. */
#ifndef TOOLS_IMG_COPY_INT_H
#define TOOLS_IMG_COPY_INT_H

#include "tools/img/copy.h"

#define IMG_COPY_SECTOR_BYTES 512u
#define IMG_COPY_UNIT_BYTES 4096u

enum { KIND_DATA, KIND_ZERO, KIND_BACKING };

typedef struct ImgPiece {
    uint64_t at, bytes; /* of the target */
    unsigned kind;
} ImgPiece;

/* The next piece's turn: all of @piece is written, or being written. */
static inline void img_copy_end_turn(ImgCopy *copy, const ImgPiece *piece)
{
    if (copy->in_order) {
        copy->begun_byte = piece->at + piece->bytes;
        coqueue_wake_all(&copy->turns);
    }
}

/* Writes @piece, with its bytes in @buf if they are data; ends its turn when
 * its last write begins. */
int co_img_copy_write(ImgCopy *copy, const ImgPiece *piece,
                      uint8_t *buf) COROUTINE_ONLY;
/* With @compressed, after the last piece. */
int co_img_copy_end_compressed(ImgCopy *copy) COROUTINE_ONLY;

#endif
