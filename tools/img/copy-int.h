/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What copy.c, copy-kind.c and copy-write.c share. */
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

/* The source that shows byte *@at, which becomes the place in it; *@bytes: from
 * there to its end. */
Root *img_copy_source_at(const ImgCopy *copy, uint64_t *at, uint64_t *bytes);
/* What is to be done with [@offset, +*@bytes). Where that cannot be told, who
 * salvages tries to read it, sector by sector. 0 or -errno. */
int co_img_copy_kind(const ImgCopy *copy, uint64_t offset, uint64_t *bytes,
                     unsigned *kind) COROUTINE_ONLY;

/* Writes @piece, with its bytes in @buf if they are data; ends its turn when
 * its last write begins. */
int co_img_copy_write(ImgCopy *copy, const ImgPiece *piece,
                      uint8_t *buf) COROUTINE_ONLY;
/* With @compressed, after the last piece. */
int co_img_copy_end_compressed(ImgCopy *copy) COROUTINE_ONLY;

#endif
