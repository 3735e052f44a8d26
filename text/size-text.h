/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes as users write and read them: k, M, G, T, P, E are powers of 1024. */
#ifndef TEXT_SIZE_TEXT_H
#define TEXT_SIZE_TEXT_H

#include "util/common.h"
#include "util/error.h"

/* "168 KiB", "1.46 GiB": three digits, for tables and summaries. The caller
 * frees it. */
char *size_text_short(uint64_t bytes);

/* "512 bytes", "64 KiB", "1.465 MiB": three decimals where it is not whole;
 * for one command's report. @bytes may be a rate. The caller frees it. */
char *size_text_exact(double bytes);

typedef enum SizeParse {
    SIZE_OK,
    SIZE_INVALID,   /* not a number, or something follows it */
    SIZE_TOO_LARGE, /* beyond 2^63 - 1, or negative */
} SizeParse;

/* "64k", "1.5G", "0x200": a number (a fraction only with a suffix) and perhaps
 * a suffix in either case, B for bytes. */
SizeParse size_text_parse(const char *text, uint64_t *bytes);

/* Sets in QEMU's words why the @text of the parameter called @name was not
 * SIZE_OK. */
void size_text_refuse(SizeParse why, const char *name, const char *text,
                      Error **errp);

/* Of a @text that was SIZE_TOO_LARGE: whether it is beyond 2^64 - 1, too. */
bool size_text_beyond_64_bits(const char *text);

#endif
